// Hello: who the device is, signed. protocol/README.md, "Handshake".

import { hex, utf8 } from "../wire/bytes.js";
import type { Wire } from "../wire/messages.js";
import { hmacSha256 } from "../wire/sha256.js";

export function helloSignature(
  secret: string, x: { key: string; device: string; timestamp_ms: bigint; nonce: Uint8Array },
): Uint8Array {
  const text = `SHOAL1-HELLO\n${x.key}\n${x.device}\n${x.timestamp_ms}\n${hex(x.nonce)}`;
  return hmacSha256(utf8(secret), utf8(text));
}

/** What filters on the server look at; holds for a connection. */
export interface Facts {
  os?: string;
  appVersion?: string;
  region?: string;
  model?: string;
  network?: string;
  tags?: Record<string, string>;
}

export function hello(
  who: { key: string; secret: string; device: string; facts: Facts; heartbeatS: number; windowOps: number;
    windowBytes: number; zstd: boolean },
  timeMs: number, nonce: Uint8Array,
): Partial<Wire<"Hello">> {
  const signed = { key: who.key, device: who.device, timestamp_ms: BigInt(Math.round(timeMs)), nonce };
  const { os, appVersion, region, model, network, tags } = who.facts;
  return {
    ...signed, signature: helloSignature(who.secret, signed), version: 1, os, app_version: appVersion, region, model,
    network, tags, heartbeat_s: who.heartbeatS, zstd: who.zstd, window_ops: who.windowOps,
    window_bytes: who.windowBytes, sdk: "shoal-js/0.1",
  };
}
