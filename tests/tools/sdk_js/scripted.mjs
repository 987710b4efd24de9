// A server that tests play: it is told what to say, and writes down what the client said.
import {FakeClock, sdk, settle} from './sdk.mjs';

const {Client} = await sdk('node/index.js');
const {MemoryPositions} = await sdk('device/positions.js');
const {encodeFrame, FrameReader} = await sdk('wire/frame.js');
const {messages, nameOf} = await sdk('wire/messages.js');
const {decode} = await sdk('wire/protobuf.js');

export const at = (id, epoch = 7) => ({epoch: BigInt(epoch), id: BigInt(id)});

/// The server's end of the newest connection: what the client said, and what it is told.
export class Server {
  said = [];
  connections = 0;
  connect = (events) => {
    this.connections++;
    this.events = events;
    this.reader = new FrameReader();
    this.open = false;
    const mine = events;
    return {
      send: (bytes) => {
        this.reader.append(bytes);
        for (const x of this.reader.take()) {
          const name = nameOf(x.type);
          this.said.push([name, decode(messages[name], x.body)]);
        }
      },
      close: () => { if (mine === this.events) this.open = false; },
    };
  };
  async accept() {
    this.open = true;
    this.events.opened();
    await settle();
  }
  async tell(name, message = {}) {
    this.events.received(encodeFrame(name, message));
    await settle();
  }
  async welcome(more = {}) {
    await this.accept();
    await this.tell('Welcome', {session: 1n, server_time_ms: 1_760_000_000_000n, heartbeat_s: 60, window_ops: 100, window_bytes: 100_000, ...more});
  }
  async ops(biz, after, upto, ...ids) {
    const ops = ids.map((id) => ({id: BigInt(id), payload: Buffer.from(`op ${id}`), time_ms: 5n, key: ''}));
    await this.tell('Ops', {biz, epoch: 7n, after: BigInt(after), upto: BigInt(upto), ops});
  }
  async lose() {
    this.events.closed('lost');
    await settle();
  }
  /// What was said since the last time, without what the test does not look at.
  take(...names) {
    const out = this.said.filter(([name]) => names.length === 0 || names.includes(name));
    this.said = [];
    return out;
  }
  names() { return this.take().map(([name]) => name); }
}

export function make(more = {}) {
  const server = new Server();
  const clock = new FakeClock();
  const positions = new MemoryPositions();
  const client = new Client({connect: server.connect, key: 'dk_test', secret: 's', device: 'd1', clock, positions,
    random: () => 1, ...more});
  const seen = [];
  for (const name of ['state', 'online', 'offline', 'bound', 'subscribed', 'reset']) client.on(name, (x) => seen.push([name, x]));
  const events = (name) => seen.filter(([x]) => x === name).map(([, x]) => x);
  return {server, clock, positions, client, events};
}
