// What Node has beyond the rest: TLS sockets, files, and WebCrypto under another name in version 18.

import { webcrypto } from "node:crypto";
import { Client as AnyClient, type ClientOptions } from "../device/client.js";
import { Gateway as AnyGateway, type CallCarrier, type GatewayOptions } from "../gateway/gateway.js";

export * from "../index.js";
export { FilePositions, type FileOptions } from "./file_positions.js";
export { tlsSocket, type TlsOptions } from "./tls_socket.js";
export { nodeWebSocket, type NodeWebSocketOptions } from "./web_socket.js";

export class Client extends AnyClient {
  constructor(options: ClientOptions) {
    const { gateway } = options;
    super({
      randomBytes: (size) => webcrypto.getRandomValues(new Uint8Array(size)), ...options,
      ...(gateway ? { gateway: { crypto: webcrypto, ...gateway } } : {}),
    });
  }
}

export class Gateway extends AnyGateway {
  constructor(options: GatewayOptions, carrier?: CallCarrier) {
    super({ crypto: webcrypto, ...options }, carrier);
  }
}
