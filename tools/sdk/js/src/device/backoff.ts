// When to connect again: protocol/README.md, "Reconnecting", as arithmetic. No clock, no timer; randomness is passed in.

import { adviceOf, codes } from "../wire/codes.js";

const longest = 60_000;
const shortest = 1_000;
const settledAfter = 30_000;

export interface Ending {
  code: number;
  retryAfterMs: number;
  /** How long the connection was welcome; undefined if it never was. */
  lastedMs: number | undefined;
}

/** Milliseconds until the next attempt; nothing if there should be none. */
export type Delay = number | undefined;

export class Backoff {
  private failures = 0;
  private corrected = false; // the last attempt has used its free retry

  constructor(private readonly random: () => number = Math.random) {}

  ended(x: Ending): Delay {
    const advice = adviceOf(x.code);
    if (advice === "stop") return undefined;
    const settled = x.lastedMs !== undefined && x.lastedMs >= settledAfter;
    if (settled) this.failures = 0;
    const correction = x.code === codes.clockSkew || x.code === codes.nonceReplayed;
    const free = (correction && (!this.corrected || x.lastedMs !== undefined)) || (advice === "again" && settled);
    this.corrected = correction;
    const wait = free ? 0 : this.jittered();
    const least = x.retryAfterMs > 0 ? x.retryAfterMs : advice === "later" ? shortest : 0;
    return least > 0 ? Math.max(wait, least * (1 + this.random())) : wait;
  }

  private jittered(): number {
    this.failures++;
    return this.random() * Math.min(longest, shortest * 2 ** Math.min(this.failures, 10));
  }
}

/** For work that is repeated on a standing connection: attempt n, from 1. */
export const pause = (n: number, random: () => number): number =>
  shortest + random() * Math.min(longest, shortest * 2 ** Math.min(n, 10));
