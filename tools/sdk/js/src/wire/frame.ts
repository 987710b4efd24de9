// Frames: how messages are cut out of a byte stream. Layout in protocol/README.md, "Frames".

import { messages, frameTypes, type Name, type Wire } from "./messages.js";
import { encode } from "./protobuf.js";

/** The largest length that a server may announce. */
export const maxServerFrame = 2 * 1024 * 1024;

const head = 6;
const compressed = 1;

export interface Frame {
  type: number;
  body: Uint8Array;
}

/** Reads compressed bodies; throws if there is more than `limit` in one. */
export type Inflate = (body: Uint8Array, limit: number) => Uint8Array;

export function encodeFrame<N extends Name>(name: N, message: Partial<Wire<N>>): Uint8Array {
  const body = encode(messages[name] as any, message as any);
  const out = new Uint8Array(head + body.length);
  new DataView(out.buffer).setUint32(0, head - 4 + body.length);
  out[4] = frameTypes[name];
  out.set(body, head);
  return out;
}

/** Cuts frames out of what a connection delivers; throws when the bytes are none. Memory: one frame, as it arrives. */
export class FrameReader {
  private held = new Uint8Array();
  private size = 0; // of held that is filled

  constructor(private readonly inflate?: Inflate) {}

  append(bytes: Uint8Array): void {
    const needed = this.size + bytes.length;
    if (needed > this.held.length) {
      const grown = new Uint8Array(Math.max(needed, Math.min(2 * this.held.length, needed + 64 * 1024)));
      grown.set(this.held.subarray(0, this.size));
      this.held = grown;
    }
    this.held.set(bytes, this.size);
    this.size = needed;
  }

  /** All frames that are complete. */
  take(): Frame[] {
    const out: Frame[] = [];
    const view = new DataView(this.held.buffer, this.held.byteOffset, this.size);
    let at = 0;
    while (this.size - at >= 4) {
      const length = view.getUint32(at);
      if (length < head - 4 || length > maxServerFrame) throw new Error("a frame of impossible length");
      if (this.size - at < 4 + length) break;
      out.push(this.frame(this.held.subarray(at, at + 4 + length)));
      at += 4 + length;
    }
    this.held = this.held.slice(at, this.size);
    this.size = this.held.length;
    return out;
  }

  private frame(bytes: Uint8Array): Frame {
    const flags = bytes[5]!;
    const body = bytes.slice(head);
    if ((flags & ~compressed) !== 0) throw new Error("a frame with unknown flags");
    if ((flags & compressed) === 0) return { type: bytes[4]!, body };
    if (!this.inflate) throw new Error("a compressed frame that nobody asked for");
    return { type: bytes[4]!, body: this.inflate(body, maxServerFrame) };
  }
}
