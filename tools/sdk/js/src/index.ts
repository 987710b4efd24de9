// Everything that needs neither Node nor a page.

export { Client, type ClientEvents, type ClientOptions, type State, type TokenProvider } from "./device/client.js";
export type { Clock, Timer } from "./device/clock.js";
export type { Handler, Op } from "./device/feed.js";
export type { Facts } from "./device/hello.js";
export {
  IndexedDbPositions, MemoryPositions, WebPositions, type KeyedStorage, type Position, type PositionStore,
} from "./device/positions.js";
export {
  miniProgramSocket, subprotocol, webSocket, type Connect, type MiniProgramTask, type Socket, type SocketEvents,
} from "./device/socket.js";
export type { EncryptionKey } from "./gateway/envelope.js";
export {
  Gateway, type CallCarrier, type CallOptions, type GatewayOptions, type MadeCall, type MgwAnswer,
} from "./gateway/gateway.js";
export { GatewayError, type RawAnswer } from "./gateway/raw.js";
export type { SignType } from "./gateway/sign.js";
export { adviceOf, type Advice } from "./wire/codes.js";
