// Bytes: the golden ones of protocol/README.md, and those that nobody should send.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import {test} from 'node:test';
import {bytes, hex, sdk} from './sdk.mjs';

const {encodeFrame, FrameReader} = await sdk('wire/frame.js');
const {messages} = await sdk('wire/messages.js');
const {encode, decode} = await sdk('wire/protobuf.js');
const {sha256, hmacSha256} = await sdk('wire/sha256.js');
const {md5} = await sdk('wire/md5.js');
const {base64, unbase64} = await sdk('wire/bytes.js');
const {helloSignature} = await sdk('device/hello.js');
const {maskedFrame, takeFrame} = await sdk('node/web_socket.js');

const who = {key: 'dk_test', device: 'd1', timestamp_ms: 1760000000000n, nonce: Uint8Array.from({length: 16}, (_, i) => i)};
const signature = 'd7edb66e8b4e1ca40a057ce0ac5e25211301e251778974f6f05c255ddffb40ef';
const hello = '0000005101000a07646b5f7465737412026431188080b3c19c332210000102030405060708090a0b0c0d0e0f' +
  `2a20${signature}30013a03696f73`;
const subscribe = '0000001006000a0c0a044e455753120408071029';
const ack = '000000100a000a0a0a044e4557531007182a1001';

test('the bytes are those of the page', () => {
  assert.equal(hex(helloSignature('test-secret', who)), signature);
  assert.equal(hex(encodeFrame('Hello', {...who, signature: bytes(signature), version: 1, os: 'ios'})), hello);
  assert.equal(hex(encodeFrame('Subscribe', {entries: [{biz: 'NEWS', position: {epoch: 7n, id: 41n}}]})), subscribe);
  assert.equal(hex(encodeFrame('Ack', {entries: [{biz: 'NEWS', epoch: 7n, id: 42n}], binding: 1})), ack);
});

test('the bytes of calls are those of the page', () => {
  const call = {id: 5n, operation: 'shop.get', data: Buffer.from('[1]'), headers: {Ts: '9'}, deadline_ms: 3000};
  assert.equal(hex(encodeFrame('Call', call)), '0000001f0f000805120873686f702e6765741a035b315d22070a02547312013928b817');
  const result = {id: 5n, code: 1000, data: Buffer.from('7'), content_type: 'application/json'};
  assert.equal(hex(encodeFrame('CallResult', result)), '0000001c1000080510e8072a013732106170706c69636174696f6e2f6a736f6e');
  assert.equal(hex(encodeFrame('CallCancel', {id: 5n})), '0000000411000805');
});

test('every frame of the page is read, and written as it was', () => {
  const page = fs.readFileSync(new URL('../../../protocol/README.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| (\w+) \| .* \| `([0-9a-f ]+)` \|$/gm)];
  assert.equal(new Set(rows.map((x) => x[1])).size, Object.keys(messages).length - 1, 'all but Hello');
  for (const [, name, text] of rows) {
    const reader = new FrameReader();
    reader.append(bytes(text.replaceAll(' ', '')));
    const [frame] = reader.take();
    assert.equal(hex(encodeFrame(name, decode(messages[name], frame.body))), text.replaceAll(' ', ''), name);
  }
});

test('frames are cut wherever deliveries begin and end', () => {
  const all = bytes(subscribe + ack + subscribe);
  for (let piece = 1; piece <= all.length; piece++) {
    const reader = new FrameReader();
    const got = [];
    for (let at = 0; at < all.length; at += piece) {
      reader.append(all.slice(at, at + piece));
      got.push(...reader.take());
    }
    assert.deepEqual(got.map((x) => x.type), [6, 10, 6], `pieces of ${piece}`);
    assert.equal(hex(got[1].body), ack.slice(12));
  }
});

test('a frame that is none is refused before its bytes arrive', () => {
  for (const bad of ['00000001', 'ffffffff', '00200001', '0000000201020304', '00000002010100']) {
    const reader = new FrameReader();
    reader.append(bytes(bad));
    assert.throws(() => reader.take(), Error, bad);
  }
});

test('a compressed frame is read by who brings the means', () => {
  const reader = new FrameReader((body) => Uint8Array.from(body).reverse());
  reader.append(bytes('0000000409010102'));
  assert.deepEqual(reader.take(), [{type: 9, body: bytes('0201')}]);
});

test('messages come back as they went, with defaults for what is missing', () => {
  const m = {biz: 'x', epoch: 2n ** 64n - 1n, after: 0n, upto: 300n,
    ops: [{id: 1n, payload: Uint8Array.of(0, 255), time_ms: 5n, key: 'ключ'}]};
  assert.deepEqual(decode(messages.Ops, encode(messages.Ops, m)), m);
  const tags = {tags: {ring: 'beta', empty: ''}};
  assert.deepEqual({...decode(messages.Hello, encode(messages.Hello, tags)).tags}, tags.tags);
  assert.equal(decode(messages.Subscribed, new Uint8Array()).position, undefined);
});

test('unknown fields are passed over, broken ones refused', () => {
  const known = encode(messages.Ping, {number: 7n});
  const more = bytes('9a0602abcd' + 'a10601020304050607ff' + 'ad0601020304');
  assert.equal(decode(messages.Ping, Uint8Array.from([...more, ...known])).number, 7n);
  for (const bad of ['08', '08ffffffffffffffffffffff01', '0a05', '0b', '0a0161', '9a06ffffffffffffffffff01'])
    assert.throws(() => decode(messages.Ping, bytes(bad)), Error, bad);
});

test('noise is refused or read, and never more than it holds', () => {
  for (let i = 0; i < 2000; i++) {
    const noise = crypto.createHash('sha512').update(`${i}`).digest().subarray(0, i % 64);
    for (const schema of [messages.Ops, messages.Close, messages.Hello]) {
      try { decode(schema, noise); } catch (problem) { assert.match(problem.message, /^protobuf: /); }
    }
  }
});

test('hashes are those of OpenSSL at every length', () => {
  for (let size = 0; size < 200; size++) {
    const text = crypto.createHash('shake256', {outputLength: size}).update('x').digest();
    assert.equal(hex(sha256(text)), crypto.createHash('sha256').update(text).digest('hex'));
    assert.equal(hex(md5(text)), crypto.createHash('md5').update(text).digest('hex'));
    assert.equal(hex(hmacSha256(text, Uint8Array.of(1, 2))), crypto.createHmac('sha256', text).update('\x01\x02').digest('hex'));
    assert.equal(base64(text), text.toString('base64'));
    assert.equal(hex(unbase64(text.toString('base64url'))), text.toString('hex'));
  }
  assert.throws(() => unbase64('a*b='));
});

test('a WebSocket client masks, and takes whole frames of a server only', () => {
  const mask = bytes('37fa213d');
  assert.equal(hex(maskedFrame(1, Buffer.from('Hello'), mask)), '818537fa213d7f9f4d5158'); // RFC 6455, 5.7
  assert.equal(hex(maskedFrame(2, new Uint8Array(256), new Uint8Array(4))).slice(0, 8), '82fe0100');
  assert.equal(hex(maskedFrame(2, new Uint8Array(65_536), new Uint8Array(4))).slice(0, 20), '82ff0000000000010000');
  const two = bytes('820161' + '890162');
  const first = takeFrame(two);
  assert.deepEqual(first.frame, {opcode: 2, last: true, payload: Uint8Array.of(0x61)});
  assert.deepEqual(takeFrame(first.rest).frame, {opcode: 9, last: true, payload: Uint8Array.of(0x62)});
  for (let size = 0; size < 3; size++) assert.equal(takeFrame(two.slice(0, size)), undefined);
  for (const bad of ['828100000000', 'c20161', '827f7fffffffffffffff']) assert.throws(() => takeFrame(bytes(bad)), Error, bad);
});
