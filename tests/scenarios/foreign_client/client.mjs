// A Shoal client in JavaScript without any library, written from protocol/README.md alone: the proof that the page
// is enough. It reconnects by itself, keeps positions in the store it is given, and acknowledges what was handled.
import crypto from 'node:crypto';
import tls from 'node:tls';
import {EventEmitter} from 'node:events';
import {decode, encode, messages} from './protobuf.mjs';

export const types = {Hello: 1, Welcome: 2, Bind: 3, Bound: 4, Unbind: 5, Subscribe: 6, Subscribed: 7, Unsubscribe: 8,
  Ops: 9, Ack: 10, Reset: 11, Ping: 12, Pong: 13, Close: 14};
const names = Object.fromEntries(Object.entries(types).map(([name, number]) => [number, name]));
const largest_frame = 2 * 1024 * 1024;

export function frame(name, message) {
  const body = encode(messages[name], message);
  const head = Buffer.alloc(6);
  head.writeUInt32BE(2 + body.length);
  head[4] = types[name];
  return Buffer.concat([head, body]);
}

export function hello_signature(secret, {key, device, timestamp_ms, nonce}) {
  const text = `SHOAL1-HELLO\n${key}\n${device}\n${timestamp_ms}\n${nonce.toString('hex')}`;
  return crypto.createHmac('sha256', secret).update(text).digest();
}

/// Positions of (user, biz) in memory; an app keeps them in its database, beside what the ops changed.
export class Positions {
  entries = new Map();
  get(user, biz) { return this.entries.get(`${user}/${biz}`); }
  set(user, biz, position) { this.entries.set(`${user}/${biz}`, position); }
  clear() { this.entries.clear(); }
}

/// options: host, port, ca, key, secret, device, facts, heartbeat_s, positions, clock (milliseconds; for tests).
/// Events: online(welcome), bound(answer), subscribed(answer), reset(message), closed({code, text, again}).
export class Client extends EventEmitter {
  #options; #positions; #feeds = new Map(); #user = ''; #token; #line; #ticket; #retry;
  #clock_offset = 0; #failures = 0; #free_retry_used = false; #stopped = true;

  constructor(options) {
    super();
    this.#options = {host: 'localhost', facts: {}, clock: Date.now, heartbeat_s: 60, ...options};
    this.#positions = options.positions ?? new Positions();
  }

  connect() {
    this.#stopped = false;
    clearTimeout(this.#retry);
    this.#open();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#retry);
    const line = this.#line;
    if (line) { this.#forget(line); line.socket.end(); }
  }

  /// `token` is asked on each connection, so that tokens can be short-lived.
  bind(user, token) {
    [this.#user, this.#token] = [user, token];
    if (this.#line?.ready) { this.#send('Bind', {user, token: token(user)}); this.#subscribe_all(); }
  }

  unbind() {
    this.#user = '';
    if (this.#line?.ready) { this.#send('Unbind', {}); this.#subscribe_all(); }
  }

  /// `handle(op, biz)` may be asynchronous; the op counts as handled when it is done.
  subscribe(biz, handle) {
    this.#feeds.set(biz, {handle, unanswered: 0, position: undefined});
    if (this.#line?.ready) this.#subscribe_all([biz]);
  }

  unsubscribe(biz) {
    this.#feeds.delete(biz);
    if (this.#line?.ready) this.#send('Unsubscribe', {biz: [biz]});
  }

  #open() {
    const {host, port, ca} = this.#options;
    const socket = tls.connect({host, port, ca, servername: host, ALPNProtocols: ['shoal/1'], session: this.#ticket});
    const line = {socket, ready: false, binding: 0, input: Buffer.alloc(0), work: Promise.resolve(),
      close: {code: 1005, text: 'the connection ended', retry_after_ms: 0}, last_sent: Date.now()};
    this.#line = line;
    line.patience = setTimeout(() => socket.destroy(), 10000);
    socket.on('session', (ticket) => { this.#ticket = ticket; });
    socket.on('secureConnect', () => this.#greet(line));
    socket.on('data', (bytes) => this.#receive(line, bytes));
    socket.on('error', (problem) => { line.close.text = problem.message; });
    socket.on('close', () => { line.work = line.work.then(() => this.#ended(line)); });
  }

  #greet(line) {
    const {key, secret, device, facts, heartbeat_s, clock} = this.#options;
    const hello = {key, device, timestamp_ms: clock() + this.#clock_offset, nonce: crypto.randomBytes(16)};
    this.#send('Hello', {...hello, signature: hello_signature(secret, hello), version: 1, ...facts, heartbeat_s,
      sdk: 'javascript-example/1'});
    line.ready = true; // Bind and Subscribe need not wait for Welcome
    if (this.#user) this.#send('Bind', {user: this.#user, token: this.#token(this.#user)});
    for (const feed of this.#feeds.values()) feed.unanswered = 0;
    this.#subscribe_all();
  }

  #subscribe_all(bizs = [...this.#feeds.keys()]) {
    for (const feed of bizs.map((biz) => this.#feeds.get(biz))) {
      feed.unanswered++;
      feed.user = this.#user; // whose positions these are; those of global bizs are kept per user, too
    }
    const entries = bizs.map((biz) => ({biz, position: this.#positions.get(this.#user, biz)}));
    if (entries.length > 0) this.#send('Subscribe', {entries});
  }

  #send(name, message) {
    this.#line.last_sent = Date.now();
    this.#line.socket.write(frame(name, message));
  }

  #receive(line, bytes) {
    let input = Buffer.concat([line.input, bytes]);
    while (input.length >= 4) {
      const length = input.readUInt32BE();
      if (length < 2 || length > largest_frame) return line.socket.destroy();
      if (input.length < 4 + length) break;
      const [type, flags, body] = [input[4], input[5], input.subarray(6, 4 + length)];
      input = input.subarray(4 + length);
      if (flags !== 0) return line.socket.destroy(); // Hello said that we cannot read compressed frames
      if (names[type]) // unknown types are ignored: a newer server
        line.work = line.work.then(() => this.#dispatch(line, names[type], decode(messages[names[type]], body)))
          .catch((problem) => { line.close.text = `${problem.message}`; line.socket.destroy(); });
    }
    line.input = input;
  }

  async #dispatch(line, name, m) {
    if (line !== this.#line) return; // of a connection that is over
    if (name === 'Welcome') return this.#welcomed(line, m);
    if (name === 'Ping') return this.#send('Pong', {number: m.number});
    if (name === 'Pong') { clearTimeout(line.patience); return; }
    if (name === 'Close') { line.close = m; return; }
    if (name === 'Bound') {
      if (m.binding > 0) line.binding = m.binding;
      return this.emit('bound', m);
    }
    const feed = this.#feeds.get(m.biz);
    if (!feed) return;
    if (name === 'Subscribed') {
      feed.unanswered--;
      if (m.code === 0 && feed.unanswered === 0) this.#move(feed, m.biz, m.position);
      return this.emit('subscribed', m);
    }
    if (name === 'Reset') {
      if (feed.unanswered === 0) this.#move(feed, m.biz, {epoch: m.epoch, id: m.id});
      return this.emit('reset', m); // before an answer to Subscribe the position follows in Subscribed
    }
    if (name === 'Ops' && feed.unanswered === 0) await this.#handle(line, feed, m); // else of an older subscription
  }

  #move(feed, biz, position) {
    feed.position = position;
    if (position.epoch > 0n) this.#positions.set(feed.user, biz, position); // epoch 0: the biz is not persistent
  }

  async #handle(line, feed, {biz, epoch, after, upto, ops}) {
    const {handle} = feed;
    if (epoch === 0n) { for (const op of ops) await handle(op, biz); return; }
    if (after > feed.position.id) throw new Error(`${biz}: ids ${feed.position.id} to ${after} are missing`);
    for (const op of ops) {
      if (op.id <= feed.position.id) continue;
      await handle(op, biz);
      if (line !== this.#line || feed.unanswered > 0) return; // connection or user changed meanwhile
      this.#move(feed, biz, {epoch, id: op.id});
    }
    if (upto > feed.position.id) this.#move(feed, biz, {epoch, id: upto});
    this.#send('Ack', {entries: [{biz, epoch, id: upto}], binding: line.binding});
  }

  #welcomed(line, m) {
    clearTimeout(line.patience);
    line.welcomed_at = Date.now();
    const heartbeat_ms = m.heartbeat_s * 1000;
    let number = 0n;
    line.heart = setInterval(() => {
      if (Date.now() - line.last_sent < heartbeat_ms * 0.9) return;
      this.#send('Ping', {number: ++number});
      line.patience = setTimeout(() => line.socket.destroy(), 10000);
    }, heartbeat_ms / 10);
    this.emit('online', m, line.socket.isSessionReused());
  }

  #forget(line) {
    clearTimeout(line.patience);
    clearInterval(line.heart);
    if (this.#line === line) this.#line = undefined;
  }

  #ended(line) {
    if (this.#line !== line) return; // stopped
    this.#forget(line);
    const {code, text, retry_after_ms, server_time_ms} = line.close;
    const lasted = line.welcomed_at !== undefined && Date.now() - line.welcomed_at >= 30000;
    this.#failures = lasted ? 1 : this.#failures + 1;
    const signed_wrong = code === 1003 || code === 1004;
    if (code === 1003) this.#clock_offset = Number(server_time_ms) - this.#options.clock();
    if (code === 3001) this.#positions.clear();
    const again = code < 4000 && !this.#stopped;
    let delay = Math.random() * Math.min(60000, 1000 * 2 ** this.#failures);
    if (code < 2000 && (lasted || (signed_wrong && !this.#free_retry_used))) delay = 0;
    if (code >= 2000 && code < 3000) delay = (retry_after_ms || 1000) * (1 + Math.random());
    this.#free_retry_used = signed_wrong;
    if (again) this.#retry = setTimeout(() => this.#open(), delay);
    this.emit('closed', {code, text, again, delay});
  }
}
