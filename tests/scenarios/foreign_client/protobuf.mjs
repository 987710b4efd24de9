// The part of protobuf that the device protocol needs, and its messages as tables: name -> [number, type].
// Types: u32 (a Number), u64 (a BigInt), bool, string, bytes, map (of strings); {..} is a message, [x] a list of x.
const position = {epoch: [1, 'u64'], id: [2, 'u64']};
const op = {id: [1, 'u64'], payload: [2, 'bytes'], time_ms: [3, 'u64'], key: [4, 'string']};

export const messages = {
  Hello: {key: [1, 'string'], device: [2, 'string'], timestamp_ms: [3, 'u64'], nonce: [4, 'bytes'],
    signature: [5, 'bytes'], version: [6, 'u32'], os: [7, 'string'], app_version: [8, 'string'],
    region: [9, 'string'], model: [10, 'string'], network: [11, 'string'], tags: [12, 'map'],
    heartbeat_s: [13, 'u32'], zstd: [14, 'bool'], window_ops: [15, 'u32'], window_bytes: [16, 'u32'],
    sdk: [17, 'string']},
  Welcome: {session: [1, 'u64'], server_time_ms: [2, 'u64'], heartbeat_s: [3, 'u32'], zstd: [4, 'bool'],
    window_ops: [5, 'u32'], window_bytes: [6, 'u32'], max_frame: [7, 'u32']},
  Bind: {user: [1, 'string'], token: [2, 'string']},
  Bound: {user: [1, 'string'], binding: [2, 'u32'], code: [3, 'u32'], text: [4, 'string']},
  Unbind: {},
  Subscribe: {entries: [1, [{biz: [1, 'string'], position: [2, position]}]]},
  Unsubscribe: {biz: [1, ['string']]},
  Subscribed: {biz: [1, 'string'], code: [2, 'u32'], text: [3, 'string'], position: [4, position],
    latest: [5, 'u64']},
  Ops: {biz: [1, 'string'], epoch: [2, 'u64'], after: [3, 'u64'], upto: [4, 'u64'], ops: [5, [op]]},
  Ack: {entries: [1, [{biz: [1, 'string'], epoch: [2, 'u64'], id: [3, 'u64']}]], binding: [2, 'u32']},
  Reset: {biz: [1, 'string'], epoch: [2, 'u64'], id: [3, 'u64'], reason: [4, 'u32']},
  Ping: {number: [1, 'u64']},
  Pong: {number: [1, 'u64'], server_time_ms: [2, 'u64']},
  Close: {code: [1, 'u32'], text: [2, 'string'], retry_after_ms: [3, 'u32'], server_time_ms: [4, 'u64']},
};

const map_entry = {key: [1, 'string'], value: [2, 'string']};

function varint(value) {
  const out = [];
  for (let x = BigInt.asUintN(64, BigInt(value)); ; x >>= 7n) {
    if (x < 128n) return Buffer.from([...out, Number(x)]);
    out.push(Number(x & 127n) | 128);
  }
}

function field(number, type, value) {
  if (type === 'u32' || type === 'u64' || type === 'bool')
    return [varint(number << 3), varint(value === true ? 1 : value)];
  const body = typeof type === 'object' ? encode(type, value) : Buffer.from(value);
  return [varint((number << 3) | 2), varint(body.length), body];
}

export function encode(schema, message) {
  const out = [];
  for (const [name, [number, type]] of Object.entries(schema)) {
    const value = message[name];
    if (value === undefined) continue;
    if (Array.isArray(type)) for (const x of value) out.push(...field(number, type[0], x));
    else if (type === 'map')
      for (const [key, x] of Object.entries(value)) out.push(...field(number, map_entry, {key, value: x}));
    else if (typeof type === 'object' || value.length > 0 || (value.length === undefined && value))
      out.push(...field(number, type, value)); // proto3: what has its default is left out
  }
  return Buffer.concat(out);
}

const zero = {u32: 0, u64: 0n, bool: false, string: ''};
const empty = (type) => Array.isArray(type) ? [] : type === 'bytes' ? Buffer.alloc(0) : zero[type];

function value_of(type, raw) {
  if (typeof type === 'object') return decode(type, raw);
  if (type === 'string') return raw.toString('utf8');
  return {u32: Number, bool: Boolean}[type]?.(raw) ?? raw;
}

export function decode(schema, bytes) {
  let at = 0;
  const take_varint = () => {
    let x = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (at >= bytes.length || shift > 63n) throw new Error('protobuf: bad varint');
      x |= BigInt(bytes[at] & 127) << shift;
      if (bytes[at++] < 128) return BigInt.asUintN(64, x);
    }
  };
  const take = (n) => {
    if (n > bytes.length - at) throw new Error('protobuf: too short');
    return bytes.subarray(at, at += n);
  };
  const by_number = new Map(Object.entries(schema).map(([name, [number, type]]) => [number, {name, type}]));
  const out = Object.fromEntries(Object.entries(schema).map(([name, [, type]]) => [name, empty(type)]));
  while (at < bytes.length) {
    const tag = Number(take_varint());
    const wire = tag & 7;
    if (![0, 1, 2, 5].includes(wire)) throw new Error('protobuf: bad wire type');
    const raw = wire === 0 ? take_varint() : take(wire === 1 ? 8 : wire === 5 ? 4 : Number(take_varint()));
    const known = by_number.get(tag >> 3);
    if (!known) continue; // a newer server
    if (Array.isArray(known.type)) out[known.name].push(value_of(known.type[0], raw));
    else out[known.name] = value_of(known.type, raw);
  }
  return out;
}
