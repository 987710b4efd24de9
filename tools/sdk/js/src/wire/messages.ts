// The messages of the device protocol, as protocol/device.proto has them, and the types of their frames.

import type { Message } from "./protobuf.js";

const position = { epoch: [1, "u64"], id: [2, "u64"] } as const;
const op = { id: [1, "u64"], payload: [2, "bytes"], time_ms: [3, "u64"], key: [4, "string"] } as const;

export const messages = {
  Hello: {
    key: [1, "string"], device: [2, "string"], timestamp_ms: [3, "u64"], nonce: [4, "bytes"], signature: [5, "bytes"],
    version: [6, "u32"], os: [7, "string"], app_version: [8, "string"], region: [9, "string"], model: [10, "string"],
    network: [11, "string"], tags: [12, "map"], heartbeat_s: [13, "u32"], zstd: [14, "bool"], window_ops: [15, "u32"],
    window_bytes: [16, "u32"], sdk: [17, "string"],
  },
  Welcome: {
    session: [1, "u64"], server_time_ms: [2, "u64"], heartbeat_s: [3, "u32"], zstd: [4, "bool"], window_ops: [5, "u32"],
    window_bytes: [6, "u32"], max_frame: [7, "u32"], calls: [8, "u32"],
  },
  Bind: { user: [1, "string"], token: [2, "string"] },
  Bound: { user: [1, "string"], binding: [2, "u32"], code: [3, "u32"], text: [4, "string"], unverified: [5, "u32"] },
  Unbind: {},
  Subscribe: { entries: [1, [{ biz: [1, "string"], position: [2, position] }]] },
  Subscribed: { biz: [1, "string"], code: [2, "u32"], text: [3, "string"], position: [4, position], latest: [5, "u64"] },
  Unsubscribe: { biz: [1, ["string"]] },
  Ops: { biz: [1, "string"], epoch: [2, "u64"], after: [3, "u64"], upto: [4, "u64"], ops: [5, [op]] },
  Ack: { entries: [1, [{ biz: [1, "string"], epoch: [2, "u64"], id: [3, "u64"] }]], binding: [2, "u32"] },
  Reset: { biz: [1, "string"], epoch: [2, "u64"], id: [3, "u64"], reason: [4, "u32"] },
  Ping: { number: [1, "u64"] },
  Pong: { number: [1, "u64"], server_time_ms: [2, "u64"] },
  Close: { code: [1, "u32"], text: [2, "string"], retry_after_ms: [3, "u32"], server_time_ms: [4, "u64"] },
  Call: { id: [1, "u64"], operation: [2, "string"], data: [3, "bytes"], headers: [4, "map"], deadline_ms: [5, "u32"] },
  CallResult: {
    id: [1, "u64"], code: [2, "u32"], tips: [3, "string"], memo: [4, "string"], data: [5, "bytes"],
    content_type: [6, "string"], headers: [7, "map"],
  },
  CallCancel: { id: [1, "u64"] },
} as const;

export type Name = keyof typeof messages;
export type Wire<N extends Name> = Message<(typeof messages)[N]>;

export const frameTypes: { readonly [N in Name]: number } = {
  Hello: 1, Welcome: 2, Bind: 3, Bound: 4, Unbind: 5, Subscribe: 6, Subscribed: 7, Unsubscribe: 8, Ops: 9, Ack: 10,
  Reset: 11, Ping: 12, Pong: 13, Close: 14, Call: 15, CallResult: 16, CallCancel: 17,
};

const names = new Map(Object.entries(frameTypes).map(([name, type]) => [type, name as Name]));

/** Nothing for a type that a newer server may send. */
export const nameOf = (type: number): Name | undefined => names.get(type);
