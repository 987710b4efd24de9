// Gateway calls on one device connection: which are under way, and whom their results belong to. No socket; what leaves
// goes through `send`. Bounded by what Welcome allows.

import type { RawAnswer } from "../gateway/raw.js";
import { GatewayError, noAnswer } from "../gateway/raw.js";
import type { Wire } from "../wire/messages.js";
import type { Clock, Timer } from "./clock.js";

export interface CallSettings {
  signal?: AbortSignal | undefined;
  deadlineMs: number;
}

interface Waiting {
  resolve(x: RawAnswer): void;
  reject(problem: unknown): void;
}

type Send = (name: "Call" | "CallCancel", message: Partial<Wire<"Call">>) => void;

/** The answer has a way to go; the server's own deadline should come first. */
const grace = 1_000;

/** What a Call holds beside its data, at most: frame, field heads, numbers. */
const overhead = 64;

export class Calls {
  private readonly waiting = new Map<bigint, Waiting>();
  private newest = 0n;

  constructor(
    private readonly clock: Clock,
    private readonly send: Send,
    private readonly most: number,
    private readonly largestFrame: number,
  ) {}

  /** Whether one more call of this size may leave. */
  takes(operation: string, data: Uint8Array, headers: Record<string, string>): boolean {
    let size = overhead + 3 * operation.length + data.length;
    for (const [name, value] of Object.entries(headers)) size += 16 + 3 * (name.length + value.length);
    return this.waiting.size < this.most && size <= this.largestFrame;
  }

  begin(operation: string, data: Uint8Array, headers: Record<string, string>, settings: CallSettings): Promise<RawAnswer> {
    const id = ++this.newest;
    const { signal, deadlineMs } = settings;
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined;
      const over = (): void => {
        timer?.cancel();
        signal?.removeEventListener("abort", abort);
        this.waiting.delete(id);
      };
      const give_up = (problem: unknown): void => {
        over();
        this.send("CallCancel", { id });
        reject(problem);
      };
      const abort = (): void => give_up((signal as any).reason ?? new Error("aborted"));
      timer = this.clock.after(deadlineMs + grace, () => give_up(new GatewayError(noAnswer, "", "no answer before the deadline")));
      signal?.addEventListener("abort", abort);
      this.waiting.set(id, {
        resolve: (x) => { over(); resolve(x); },
        reject: (x) => { over(); reject(x); },
      });
      this.send("Call", { id, operation, data, headers, deadline_ms: deadlineMs });
    });
  }

  received(m: Wire<"CallResult">): void {
    this.waiting.get(m.id)?.resolve({ code: m.code, tips: m.tips, memo: m.memo, body: m.data, bare: true });
  }

  /** The connection is gone. Whether the calls were carried out, nobody knows. */
  lost(): void {
    for (const x of [...this.waiting.values()])
      x.reject(new GatewayError(noAnswer, "", "the connection was lost before the answer"));
  }
}
