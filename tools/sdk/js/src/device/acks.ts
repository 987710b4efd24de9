// Acknowledgements that wait to share a frame. Cumulative: only the newest position of a biz counts.

import type { Wire } from "../wire/messages.js";
import type { Handled } from "./feed.js";

export class Acks {
  private waiting = new Map<string, Handled>();
  private ops = 0;
  private bytes = 0;
  private mostOps = 1;
  private mostBytes = 1;

  /** At most half a window waits, or the server would pause for us. */
  limits(windowOps: number, windowBytes: number): void {
    this.mostOps = Math.max(1, Math.min(64, Math.floor(windowOps / 2)));
    this.mostBytes = Math.max(1, Math.floor(windowBytes / 2));
  }

  /** True when they should leave now. */
  add(x: Handled): boolean {
    this.waiting.set(x.biz, x);
    this.ops += x.ops;
    this.bytes += x.bytes;
    return this.ops >= this.mostOps || this.bytes >= this.mostBytes;
  }

  take(binding: number): Partial<Wire<"Ack">> | undefined {
    if (this.waiting.size === 0) return undefined;
    const entries = [...this.waiting.values()].map(({ biz, position }) => ({ biz, ...position }));
    this.clear();
    return { entries, binding };
  }

  clear(): void {
    this.waiting = new Map();
    this.ops = this.bytes = 0;
  }
}
