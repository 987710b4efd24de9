// The device's side of Shoal: one connection that comes back by itself, a handler per business type, positions that
// survive.
//
// What the app wishes (user, bizs) is said again on each connection. Ops of a biz come in order, one at a time; an op is
// acknowledged after its handler resolved and its position was saved. Nothing of one user is delivered or acknowledged
// after another was bound. The client holds no ops back: the server's window bounds what waits here.

import { adviceOf, codes } from "../wire/codes.js";
import type { Inflate } from "../wire/frame.js";
import type { Name, Wire } from "../wire/messages.js";
import { Gateway, type CallCarrier, type CallOptions, type GatewayOptions } from "../gateway/gateway.js";
import type { RawAnswer } from "../gateway/raw.js";
import { Acks } from "./acks.js";
import { Backoff, pause } from "./backoff.js";
import { Calls, type CallSettings } from "./calls.js";
import { systemClock, type Clock, type Timer } from "./clock.js";
import { Emitter } from "./emitter.js";
import { Feed, type Handled, type Handler } from "./feed.js";
import { hello, type Facts } from "./hello.js";
import { Line, type LineEnding } from "./line.js";
import { MemoryPositions, type Position, type PositionStore } from "./positions.js";
import type { Connect } from "./socket.js";

export interface ClientOptions {
  /** webSocket(…), miniProgramSocket(…), or of shoal-sdk/node: tlsSocket(…), nodeWebSocket(…). */
  connect: Connect;
  /** The app's device key, "dk_…", and its secret. */
  key: string;
  secret: string;
  /** Stable for one installation. */
  device: string;
  facts?: Facts;
  positions?: PositionStore;
  heartbeatS?: number;
  /** The longest time that a handled op waits for its acknowledgement. */
  ackDelayMs?: number;
  /** 0: the server's default. */
  windowOps?: number;
  windowBytes?: number;
  /** For `call`. */
  gateway?: GatewayOptions;
  /** Given, the server may compress. */
  inflate?: Inflate;
  clock?: Clock;
  random?: () => number;
  /** For the nonce; needed only where there is no `crypto.getRandomValues`. */
  randomBytes?: (size: number) => Uint8Array;
}

/** Asked on each connection, so that tokens can be short-lived. If it fails, binding is tried again later. */
export type TokenProvider = (user: string) => string | Promise<string>;

export type State = "stopped" | "connecting" | "online" | "waiting" | "stopping";

export type ClientEvents = {
  state: State;
  online: { session: bigint };
  /** `delayMs`: until the next attempt; undefined when there will be none, because the code forbids it. */
  offline: { code: number; text: string; delayMs: number | undefined };
  bound: { user: string; code: number; text: string };
  subscribed: { biz: string; code: number; text: string };
  /** `reload`: the state that this biz describes must be loaded anew. */
  reset: { biz: string; position: Position; reason: number; reload: boolean };
};

const newestOnly = 4, consumedElsewhere = 5;

/** How long `stop` waits for handlers. */
const stopPatience = 5_000;

export class Client extends Emitter<ClientEvents> implements CallCarrier {
  private readonly clock: Clock;
  private readonly random: () => number;
  private readonly positions: PositionStore;
  private readonly backoff: Backoff;
  private readonly feeds = new Map<string, Feed>();
  private readonly acks = new Acks();
  private readonly gateway: Gateway | undefined;
  private current: State = "stopped";
  private user = "";
  private token: TokenProvider | undefined;
  private clockOffset = 0;
  private retry: Timer | undefined;

  // Of this connection.
  private line: Line | undefined;
  private calls: Calls | undefined;
  private binding = 0;
  private boundsAwaited = 0;
  private bindTurn = 0;
  private bindPending = false; // waits for a token; Subscribe for everything follows
  private bindFailures = 0;
  private tokenRetried = false;
  private ackTimer: Timer | undefined;
  private later = new Set<Timer>();

  constructor(private readonly options: ClientOptions) {
    super();
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? Math.random;
    this.positions = options.positions ?? new MemoryPositions();
    this.backoff = new Backoff(this.random);
    this.gateway = options.gateway ? new Gateway(options.gateway, this) : undefined;
  }

  get state(): State { return this.current; }

  /** Connects, and stays connected until `stop`. */
  start(): void {
    if (this.current === "stopped") this.open();
  }

  /** Begins no more handlers, waits for those that run (5 s at most), acknowledges what was handled, closes. */
  async stop(): Promise<void> {
    if (this.current === "stopped" || this.current === "stopping") return;
    this.enter("stopping");
    this.retry?.cancel();
    const idle = Promise.all([...this.feeds.values()].map((x) => x.halt()));
    await new Promise<void>((resolve) => {
      const late = this.clock.after(stopPatience, resolve);
      void idle.then(() => {
        late.cancel();
        resolve();
      });
    });
    this.flushAcks();
    this.line?.close();
    this.forgetLine();
    this.enter("stopped");
  }

  /** The network is back, the app is in front again: do not wait for the next attempt. */
  hurry(): void {
    if (this.current !== "waiting") return;
    this.retry?.cancel();
    this.open();
  }

  bind(user: string, token: TokenProvider): void {
    this.flushAcks(); // still those of the user before
    [this.user, this.token] = [user, token];
    this.tokenRetried = false;
    this.bindFailures = 0;
    void this.sendBind();
  }

  unbind(): void {
    this.flushAcks();
    const had = this.user !== "";
    [this.user, this.token] = ["", undefined];
    this.bindTurn++;
    this.bindPending = false;
    if (!had || !this.line?.alive) return;
    this.line.send("Unbind", {});
    this.boundsAwaited++;
    this.subscribeAll();
  }

  subscribe(biz: string, handler: Handler): void {
    const known = this.feeds.get(biz);
    if (known) known.handler = handler;
    const feed = known ?? new Feed(biz, handler, this.positions);
    this.feeds.set(biz, feed);
    if (!this.bindPending) void this.sendSubscribe(feed);
  }

  unsubscribe(biz: string): void {
    this.feeds.get(biz)?.suspend();
    if (this.feeds.delete(biz)) this.line?.send("Unsubscribe", { biz: [biz] });
  }

  /**
   * Carries out a business operation: on this connection while it stands, else by HTTP if the gateway's options have a
   * URL. Throws GatewayError unless it succeeds. A call whose connection is lost is not repeated: only the app knows
   * whether it may be.
   */
  call<Result = unknown>(operation: string, args: unknown[] | object = [], options: CallOptions = {}): Promise<Result> {
    if (!this.gateway) return Promise.reject(new Error("call needs the option `gateway`"));
    return this.gateway.call<Result>(operation, args, options);
  }

  carry(operation: string, data: Uint8Array, headers: Record<string, string>, settings: CallSettings): Promise<RawAnswer> | undefined {
    if (!this.line?.alive || !this.calls?.takes(operation, data, headers)) return undefined;
    return this.calls.begin(operation, data, headers, settings);
  }

  // -- connections ---------------------------------------------------------------------------------------------------

  private open(): void {
    this.enter("connecting");
    this.line = new Line(this.options.connect, this.clock, {
      opened: (line) => { if (line === this.line) this.greet(line); },
      received: (line, name, message) => { if (line === this.line) this.dispatch(name, message); },
      ended: (line, why) => { if (line === this.line) this.ended(why); },
    }, this.options.inflate);
  }

  private greet(line: Line): void {
    const { key, secret, device, facts = {}, heartbeatS = 60, windowOps = 0, windowBytes = 0, inflate } = this.options;
    const who = { key, secret, device, facts, heartbeatS, windowOps, windowBytes, zstd: inflate !== undefined };
    line.send("Hello", hello(who, this.clock.now() + this.clockOffset, this.nonce()));
    if (this.user) void this.sendBind();
    else this.subscribeAll();
  }

  private nonce(): Uint8Array {
    return this.options.randomBytes?.(16) ?? globalThis.crypto.getRandomValues(new Uint8Array(16));
  }

  private ended(why: LineEnding): void {
    this.forgetLine();
    if (why.code === codes.clockSkew) this.clockOffset = why.serverTimeMs - this.clock.now();
    if (why.code === codes.badPosition) for (const feed of this.feeds.values()) feed.forget(this.user);
    if (this.current === "stopping") return;
    const delayMs = this.backoff.ended(why);
    if (delayMs !== undefined) this.retry = this.clock.after(delayMs, () => this.open());
    this.enter(delayMs === undefined ? "stopped" : "waiting");
    this.emit("offline", { code: why.code, text: why.text, delayMs });
  }

  private forgetLine(): void {
    this.line = undefined;
    this.calls?.lost();
    this.calls = undefined;
    this.binding = this.boundsAwaited = this.bindFailures = 0;
    this.bindTurn++;
    this.bindPending = this.tokenRetried = false;
    this.acks.clear();
    this.ackTimer?.cancel();
    this.ackTimer = undefined;
    for (const x of this.later) x.cancel();
    this.later.clear();
    for (const feed of this.feeds.values()) {
      feed.suspend();
      feed.unanswered = 0;
    }
  }

  private enter(state: State): void {
    if (state === this.current) return;
    this.current = state;
    this.emit("state", state);
  }

  /** Once, unless the connection ends before. */
  private afterPause(failures: number, what: () => void): void {
    const timer = this.clock.after(pause(failures, this.random), () => {
      this.later.delete(timer);
      what();
    });
    this.later.add(timer);
  }

  // -- wishes --------------------------------------------------------------------------------------------------------

  // Bind is always followed by Subscribe for everything. The server answers in order, so a Subscribed after the Bound is
  // of the new user; what comes earlier is told by the counts of awaited answers and by the feeds' turns.
  private async sendBind(): Promise<void> {
    const line = this.line;
    const turn = ++this.bindTurn;
    if (!line?.alive || !this.token) return;
    for (const feed of this.feeds.values()) feed.suspend();
    this.bindPending = true;
    const user = this.user;
    let token: string | undefined;
    try {
      token = await this.token(user);
    } catch (problem) {
      if (turn !== this.bindTurn) return;
      this.emit("bound", { user, code: codes.verifierUnavailable, text: String((problem as Error)?.message ?? problem) });
      this.afterPause(++this.bindFailures, () => void this.sendBind());
    }
    if (turn !== this.bindTurn) return; // another wish, or the connection is gone
    this.bindPending = false;
    if (token !== undefined) {
      line.send("Bind", { user, token });
      this.boundsAwaited++;
    }
    this.subscribeAll();
  }

  private subscribeAll(): void {
    for (const feed of this.feeds.values()) void this.sendSubscribe(feed);
  }

  private async sendSubscribe(feed: Feed): Promise<void> {
    const [line, user, turn] = [this.line, this.user, feed.suspend()];
    if (!line?.alive) return;
    await feed.idle(); // what is being handled moves the position
    let position: Position | undefined;
    try {
      position = await feed.load(user);
    } catch (problem) {
      return line.fail(`positions cannot be read: ${problem}`);
    }
    if (!feed.isTurn(turn) || line !== this.line || user !== this.user) return;
    feed.asked(user);
    line.send("Subscribe", { entries: [{ biz: feed.biz, position }] });
  }

  // -- what arrives --------------------------------------------------------------------------------------------------

  private dispatch(name: Name, message: any): void {
    switch (name) {
      case "Welcome": return this.onWelcome(message);
      case "Bound": return this.onBound(message);
      case "Subscribed": return this.onSubscribed(message);
      case "Ops": return this.onOps(message);
      case "Reset": return this.onReset(message);
      case "CallResult": return this.calls?.received(message);
      default: // what only a client says
    }
  }

  private onWelcome(m: Wire<"Welcome">): void {
    this.clockOffset = Number(m.server_time_ms) - this.clock.now();
    this.acks.limits(m.window_ops, m.window_bytes);
    const line = this.line;
    if (m.calls > 0) this.calls = new Calls(this.clock, (name, x) => line?.send(name, x), m.calls, m.max_frame || 65_536);
    this.enter("online");
    this.emit("online", { session: m.session });
  }

  private onBound(m: Wire<"Bound">): void {
    this.flushAcks(); // with the number that they belong to
    if (m.binding > 0) this.binding = m.binding;
    if (this.boundsAwaited > 0 && --this.boundsAwaited > 0) return; // of a wish that has changed since
    const failure = m.code || m.unverified; // a check that failed is made again, also if the server bound the user without it
    const refused = failure === codes.badToken || failure === codes.tokenExpired;
    if (failure === 0) this.bindFailures = 0;
    else if (refused && !this.tokenRetried) {
      this.tokenRetried = true; // it may have expired on its way: one fresh token
      return void this.sendBind();
    } else if (this.user && (adviceOf(failure) === "again" || adviceOf(failure) === "later"))
      this.afterPause(++this.bindFailures, () => void this.sendBind());
    this.emit("bound", { user: m.user, code: m.code, text: m.text });
  }

  private onSubscribed(m: Wire<"Subscribed">): void {
    const feed = this.feeds.get(m.biz);
    if (!feed?.answered() || this.boundsAwaited > 0) return;
    if (m.code === 0) feed.move(m.position ?? { epoch: 0n, id: 0n });
    else if (adviceOf(m.code) !== "stop") {
      if (adviceOf(m.code) === "resync") feed.forget(this.user);
      this.afterPause(1, () => { if (this.feeds.get(m.biz) === feed) void this.sendSubscribe(feed); });
    }
    this.emit("subscribed", { biz: m.biz, code: m.code, text: m.text });
  }

  private onReset(m: Wire<"Reset">): void {
    const feed = this.feeds.get(m.biz);
    if (!feed || this.boundsAwaited > 0) return;
    const position = { epoch: m.epoch, id: m.id };
    if (feed.active) feed.move(position); // else Subscribed repeats it
    const reload = m.reason !== newestOnly && m.reason !== consumedElsewhere;
    this.emit("reset", { biz: m.biz, position, reason: m.reason, reload });
  }

  private onOps(m: Wire<"Ops">): void {
    const [line, binding] = [this.line, this.binding];
    const handled = (x: Handled): void => { if (line === this.line) this.acknowledge(x, binding); };
    const failed = (problem: Error): void => line?.fail(`a handler of ${m.biz} failed: ${problem.message}`);
    if (this.feeds.get(m.biz)?.take(m, handled, failed) === false) line?.fail(`${m.biz}: ids are missing`);
  }

  private acknowledge(x: Handled, binding: number): void {
    if (binding !== this.binding) return void this.line?.send("Ack", { entries: [{ biz: x.biz, ...x.position }], binding });
    if (this.acks.add(x)) this.flushAcks();
    else this.ackTimer ??= this.clock.after(this.options.ackDelayMs ?? 50, () => this.flushAcks());
  }

  private flushAcks(): void {
    this.ackTimer?.cancel();
    this.ackTimer = undefined;
    const ack = this.acks.take(this.binding);
    if (ack) this.line?.send("Ack", ack);
  }
}
