// One connection from its first byte to its last: frames, the time until Welcome, heartbeats, and why it ended. What the
// messages mean is the client's business.
//
// Guarantees: `ended` comes once, and no message after it; Ping and Pong never wait for a handler.

import { codes } from "../wire/codes.js";
import { encodeFrame, FrameReader, type Inflate } from "../wire/frame.js";
import { messages, nameOf, type Name, type Wire } from "../wire/messages.js";
import { decode } from "../wire/protobuf.js";
import type { Ending } from "./backoff.js";
import type { Clock, Timer } from "./clock.js";
import type { Connect, Socket } from "./socket.js";

export interface LineEnding extends Ending {
  text: string;
  serverTimeMs: number;
}

export interface LineEvents {
  opened(line: Line): void;
  received(line: Line, name: Name, message: any): void;
  ended(line: Line, why: LineEnding): void;
}

const welcomeTimeout = 10_000;
const pongTimeout = 10_000;

export class Line {
  private readonly socket: Socket;
  private readonly reader: FrameReader;
  private why: LineEnding = { code: codes.sessionLost, text: "", retryAfterMs: 0, serverTimeMs: 0, lastedMs: undefined };
  private isOpen = false;
  private over = false;
  private welcomedAt: number | undefined;
  private lastSent = 0;
  private pings = 0n;
  private heart: Timer | undefined;
  private patience: Timer | undefined;

  constructor(connect: Connect, private readonly clock: Clock, private readonly events: LineEvents, inflate?: Inflate) {
    this.reader = new FrameReader(inflate);
    this.patience = clock.after(welcomeTimeout, () => this.fail("no Welcome in time"));
    this.socket = connect({
      opened: () => {
        if (this.over) return;
        this.isOpen = true;
        events.opened(this);
      },
      received: (bytes) => this.received(bytes),
      closed: (why) => this.end(why),
    });
  }

  get alive(): boolean { return this.isOpen && !this.over; }

  send<N extends Name>(name: N, message: Partial<Wire<N>>): void {
    if (!this.alive) return;
    this.lastSent = this.clock.now();
    this.socket.send(encodeFrame(name, message));
  }

  /** Ends it for a reason of our own: it is as good as lost. */
  fail(text: string): void {
    this.why.text ||= text;
    this.socket.close();
    this.end(text);
  }

  /** Ends it without a reason; `ended` is not told. */
  close(): void {
    this.over = true;
    this.stopTimers();
    this.socket.close();
  }

  private end(text: string): void {
    if (this.over) return;
    this.over = true;
    this.stopTimers();
    this.why.text ||= text;
    if (this.welcomedAt !== undefined) this.why.lastedMs = this.clock.now() - this.welcomedAt;
    this.events.ended(this, this.why);
  }

  private stopTimers(): void {
    this.heart?.cancel();
    this.patience?.cancel();
  }

  private received(bytes: Uint8Array): void {
    if (this.over) return;
    try {
      this.reader.append(bytes);
      for (const x of this.reader.take()) {
        const name = nameOf(x.type);
        if (name && !this.over) this.dispatch(name, decode(messages[name] as any, x.body));
      }
    } catch (problem) {
      this.fail(`the server sent what cannot be read: ${(problem as Error).message}`);
    }
  }

  private dispatch(name: Name, message: any): void {
    switch (name) {
      case "Ping":
        return this.send("Pong", { number: message.number });
      case "Pong":
        return this.patience?.cancel();
      case "Close":
        return this.told(message);
      case "Welcome":
        this.welcomed(message);
    }
    this.events.received(this, name, message);
  }

  private told(m: Wire<"Close">): void {
    this.why = {
      code: m.code, text: m.text, retryAfterMs: m.retry_after_ms, serverTimeMs: Number(m.server_time_ms),
      lastedMs: undefined,
    };
    this.socket.close();
    this.end(m.text);
  }

  private welcomed(m: Wire<"Welcome">): void {
    this.patience?.cancel();
    this.welcomedAt = this.clock.now();
    this.beat((m.heartbeat_s || 60) * 1000);
  }

  /** Pings when nothing was sent for a heartbeat. */
  private beat(every: number): void {
    const quiet = this.clock.now() - this.lastSent;
    if (quiet >= every) {
      this.send("Ping", { number: ++this.pings });
      this.patience = this.clock.after(pongTimeout, () => this.fail("no Pong in time"));
    }
    this.heart = this.clock.after(quiet >= every ? every : every - quiet, () => this.beat(every));
  }
}
