// One business type as the app follows it: its handler, where it stands, and the ops that wait for the handler, one after
// the other.
//
// A feed has turns: each Subscribe begins one, and what belongs to an earlier turn is dropped before its handler sees
// it. Whatever a handler did finish is saved all the same, under the user it was for, so that it does not come again.

import type { Position, PositionStore } from "./positions.js";
import { accept, type WireOps } from "./interval.js";

export interface Op {
  readonly biz: string;
  /** (0, 0) in a biz that is not persistent. */
  readonly position: Position;
  /** As the business server sent it, byte for byte. */
  readonly payload: Uint8Array;
  /** When the server accepted it. */
  readonly timeMs: number;
  /** The business server's idempotency key, may be empty. */
  readonly key: string;
  /** The payload as text. */
  text(): string;
}

/** The op counts as handled when the promise resolves. If it rejects, the connection ends and the op comes again. */
export type Handler = (op: Op) => void | Promise<void>;

export interface Handled {
  biz: string;
  position: Position;
  ops: number;
  bytes: number;
}

const decoder = new TextDecoder();

export class Feed {
  /** Subscribes without an answer; ops count only when there is none. */
  unanswered = 0;
  private at: Position | undefined; // where the accepted ops end; nothing while it is not active
  private turn = 0;
  private halting = false; // until the next turn no handler begins
  private subscribedTurn = -1;
  private user = "";
  private lane: Promise<void> = Promise.resolve();

  constructor(readonly biz: string, public handler: Handler, private readonly positions: PositionStore) {}

  /** From now on what arrives is of no interest, until the next Subscribe is answered. */
  suspend(): number {
    this.at = undefined;
    this.halting = false;
    return ++this.turn;
  }

  /** Ends the turn with the op that is being handled; resolves when that is done and told. */
  halt(): Promise<void> {
    this.halting = true;
    return this.lane;
  }

  isTurn(turn: number): boolean { return turn === this.turn; }

  /** All that was begun is done and saved. */
  idle(): Promise<void> { return this.lane; }

  load(user: string): Position | undefined | Promise<Position | undefined> {
    return this.positions.load(user, this.biz);
  }

  forget(user: string): void {
    this.enqueue(async () => { await this.positions.forget(user, this.biz); });
  }

  /** A Subscribe left for this user. */
  asked(user: string): void {
    this.unanswered++;
    this.subscribedTurn = this.turn;
    this.user = user;
  }

  /** An answer to a Subscribe came; true if it is the one that counts. */
  answered(): boolean {
    if (this.unanswered > 0) this.unanswered--;
    return this.unanswered === 0 && this.subscribedTurn === this.turn;
  }

  /** Stands at `at` from now on, by the server's word. */
  move(at: Position): void {
    this.at = at;
    const user = this.user;
    if (at.epoch > 0n) this.enqueue(async () => { await this.positions.save(user, this.biz, at); });
  }

  get active(): boolean { return this.at !== undefined; }

  /** Takes ops in; `handled` is called when the app is done with them. False if ids are missing. */
  take(frame: WireOps, handled: (x: Handled) => void, failed: (problem: Error) => void): boolean {
    if (!this.at) return true; // of an older subscription
    const accepted = frame.epoch === 0n ? { ops: frame.ops, then: this.at } : accept(this.at, frame);
    if (!accepted) return false;
    this.at = accepted.then;
    const [turn, user] = [this.turn, this.user];
    this.enqueue(async () => {
      try {
        const last = await this.handle(frame.epoch, accepted.ops, turn, user);
        if (!this.isTurn(turn) || frame.epoch === 0n) return;
        const whole = last === accepted.ops.length;
        if (last === 0 && !whole) return;
        if (whole) await this.positions.save(user, this.biz, accepted.then);
        const id = whole ? frame.upto : accepted.ops[last - 1]!.id;
        const bytes = frame.ops.reduce((sum, op) => sum + op.payload.length, 0);
        handled({ biz: this.biz, position: { epoch: frame.epoch, id }, ops: frame.ops.length, bytes });
      } catch (problem) {
        this.suspend(); // nothing may be handled behind a gap
        failed(problem instanceof Error ? problem : new Error(String(problem)));
      }
    });
    return true;
  }

  /** How many were handled before the turn ended, or all. */
  private async handle(epoch: bigint, ops: WireOps["ops"], turn: number, user: string): Promise<number> {
    let saved: void | Promise<void>;
    let count = 0;
    for (const op of ops) {
      if (!this.isTurn(turn) || this.halting) break;
      const { payload } = op;
      await this.handler({
        biz: this.biz, position: { epoch, id: op.id }, payload, timeMs: Number(op.time_ms), key: op.key,
        text: () => decoder.decode(payload),
      });
      count++;
      if (epoch === 0n) continue;
      saved = this.positions.save(user, this.biz, { epoch, id: op.id });
      saved?.catch(() => {}); // the last one speaks for all
    }
    await saved;
    return count;
  }

  private enqueue(what: () => Promise<void>): void {
    this.lane = this.lane.then(what).catch(() => {});
  }
}
