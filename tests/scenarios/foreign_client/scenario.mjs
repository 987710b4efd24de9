// A client in another language against a real node: scenario.mjs PATH/TO/shoald. One sentence per step; exit 0 if all hold.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import {once} from 'node:events';
import {Client, Positions, frame, hello_signature} from './client.mjs';
import {Shoald} from './node.mjs';

const node = new Shoald(process.argv[2]);
const clients = [];
let admin, device_key, user_secret;

async function until(what, holds, seconds = 15) {
  for (const end = Date.now() + seconds * 1000; !(await holds());) {
    assert.ok(Date.now() < end, `waited ${seconds} s for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
const api = (method, path, body) => node.call(admin, method, `/v1/apps/shop${path}`, body);
const send = async (biz, user, ...texts) => {
  for (const payload of texts) await api('POST', '/sync', user ? {biz, user, payload} : {biz, payload});
};
function token(user, secret = user_secret) {
  const payload = Buffer.from(JSON.stringify({user, exp: Math.floor(Date.now() / 1000) + 600})).toString('base64url');
  return `${payload}.${crypto.createHmac('sha256', secret).update(payload).digest('hex')}`;
}

/// A client that writes down what happens to it.
function make(device, user, bizs, more = {}) {
  const c = new Client({port: node.port, ca: node.ca, key: device_key.id, secret: device_key.secret, device,
    facts: {os: 'linux', tags: {ring: 'beta'}}, positions: new Positions(), ...more});
  c.seen = {ops: [], resets: [], bound: [], subscribed: [], closed: [], online: 0, resumed: 0};
  for (const biz of bizs) c.subscribe(biz, (op) => { c.seen.ops.push(`${biz}#${op.id} ${op.payload}`); });
  if (user) c.bind(user, (name) => token(name));
  c.on('online', (_, resumed) => { c.seen.online++; c.seen.resumed += resumed; });
  c.on('bound', (m) => c.seen.bound.push(m));
  c.on('subscribed', (m) => c.seen.subscribed.push(m));
  c.on('reset', (m) => c.seen.resets.push(m));
  c.on('closed', (m) => c.seen.closed.push(m));
  c.connect();
  clients.push(c);
  return c;
}
const got = (c, ...ops) => until(`${JSON.stringify(ops)}, got ${JSON.stringify(c.seen.ops)}`, () => c.seen.ops.length >= ops.length)
  .then(() => assert.deepEqual(c.seen.ops, ops));
const ready = (c, n) => until('answers to Subscribe', () => c.seen.subscribed.length >= n);

const steps = {
  async 'the bytes are those of the page'() {
    const hello = {key: 'dk_test', device: 'd1', timestamp_ms: 1760000000000, nonce: Buffer.from([...Array(16).keys()])};
    const signature = hello_signature('test-secret', hello);
    assert.equal(signature.toString('hex'), 'd7edb66e8b4e1ca40a057ce0ac5e25211301e251778974f6f05c255ddffb40ef');
    assert.equal(frame('Hello', {...hello, signature, version: 1, os: 'ios'}).toString('hex'),
      '0000005101000a07646b5f746573741202643118' + '8080b3c19c332210000102030405060708090a0b0c0d0e0f' +
      '2a20d7edb66e8b4e1ca40a057ce0ac5e25211301e251778974f6f05c255ddffb40ef30013a03696f73');
    assert.equal(frame('Subscribe', {entries: [{biz: 'NEWS', position: {epoch: 7n, id: 41n}}]}).toString('hex'),
      '0000001006000a0c0a044e455753120408071029');
    assert.equal(frame('Ack', {entries: [{biz: 'NEWS', epoch: 7n, id: 42n}], binding: 1}).toString('hex'),
      '000000100a000a0a0a044e4557531007182a1001');
  },

  async 'a node, an app, four business types'() {
    await node.start();
    const app = await node.call(node.operator, 'POST', '/v1/apps', {id: 'shop'});
    [admin, device_key] = [app.admin_key, app.device_key];
    user_secret = (await api('PUT', '/users-auth', {mode: 'hmac'})).secret;
    await api('PUT', '/biz/ORDERS', {online: true});
    await api('PUT', '/biz/NEWS', {scope: 'global', online: true});
    await api('PUT', '/biz/TICKER', {scope: 'global', persistent: false, online: true});
    await api('PUT', '/biz/LATEST', {repush_newest: 2, online: true});
  },

  async 'a new device starts from the backlog, then receives live'() {
    await send('ORDERS', 'u1', 'one', 'two');
    const c = make('d1', 'u1', ['ORDERS', 'NEWS', 'TICKER', 'UNKNOWN']);
    await ready(c, 4);
    const codes = Object.fromEntries(c.seen.subscribed.map((x) => [x.biz, x.code])); // answers come in any order
    assert.deepEqual(codes, {ORDERS: 0, NEWS: 0, TICKER: 0, UNKNOWN: 4031});
    assert.equal(c.seen.bound[0].binding, 1);
    await got(c, 'ORDERS#1 one', 'ORDERS#2 two');
    await send('ORDERS', 'u1', 'three');
    await send('NEWS', '', 'all');
    await send('TICKER', '', 'now');
    await send('ORDERS', 'u2', 'for somebody else');
    await until('five ops', () => c.seen.ops.length === 5);
    assert.deepEqual(c.seen.ops.slice(2).sort(), ['NEWS#1 all', 'ORDERS#3 three', 'TICKER#0 now']);
  },

  async 'what was handled is acknowledged: the cursor follows'() {
    await until('the cursor at 3', async () => {
      const {cursors} = await api('GET', '/streams/user:u1/ORDERS/cursors');
      return cursors.some((x) => (x.id ?? x.position?.id) === 3);
    });
  },

  async 'it reconnects by position, with a ticket: only what is new, after a kill -9, too'() {
    const c = clients[0];
    c.stop();
    await send('ORDERS', 'u1', 'four');
    c.seen.ops = [];
    c.connect();
    await got(c, 'ORDERS#4 four');
    assert.equal(c.seen.resumed, 1);
    await node.end('SIGKILL');
    await node.start();
    await send('ORDERS', 'u1', 'five');
    await got(c, 'ORDERS#4 four', 'ORDERS#5 five');
  },

  async 'without positions the server remembers'() {
    clients[0].stop();
    await send('ORDERS', 'u1', 'six');
    const c = make('d1', 'u1', ['ORDERS']);
    await ready(c, 1);
    assert.ok(c.seen.subscribed[0].position.id >= 3n);
    await until('the sixth', () => c.seen.ops.at(-1) === 'ORDERS#6 six');
    c.stop();
  },

  async 'a position from the future and one of another history are reset'() {
    for (const [name, reason, change] of [['d2', 3, (p) => ({...p, id: 999n})], ['d3', 2, (p) => ({epoch: p.epoch + 5n, id: 2n})]]) {
      const probe = make(name, 'u1', ['ORDERS']);
      await until('six ops', () => probe.seen.ops.length >= 6);
      const epoch = probe.seen.subscribed[0].position.epoch;
      probe.stop();
      const positions = new Positions();
      positions.set('u1', 'ORDERS', change({epoch, id: 6n}));
      const c = make(name, 'u1', ['ORDERS'], {positions});
      await ready(c, 1);
      assert.deepEqual(c.seen.resets.map((x) => x.reason), [reason]);
      assert.deepEqual(c.seen.subscribed[0].position, {epoch, id: c.seen.resets[0].id});
      await send('ORDERS', 'u1', `after ${name}`);
      await until('the op behind the reset', () => c.seen.ops.at(-1)?.endsWith(`after ${name}`));
      c.stop();
    }
  },

  async 'a biz that re-pushes its newest ops says what it left out'() {
    await send('LATEST', 'u1', 'a', 'b', 'c', 'd', 'e');
    const c = make('d4', 'u1', ['LATEST']);
    await got(c, 'LATEST#4 d', 'LATEST#5 e');
    const {epoch, id} = c.seen.subscribed[0].position;
    assert.equal(id, 3n);
    assert.equal(c.seen.resets.length, 0); // a new device is owed no explanation
    c.stop();
    const positions = new Positions();
    positions.set('u1', 'LATEST', {epoch, id: 1n});
    const returning = make('d4', 'u1', ['LATEST'], {positions});
    await got(returning, 'LATEST#4 d', 'LATEST#5 e');
    assert.deepEqual(returning.seen.resets.map((x) => [x.reason, x.id]), [[4, 3n]]);
    returning.stop();
  },

  async 'another user on the same connection gets his own ops only'() {
    const c = make('d5', 'u1', ['ORDERS']);
    await until('ops of u1', () => c.seen.ops.length === 8);
    c.seen.ops = [];
    c.bind('u2', (name) => token(name));
    await got(c, 'ORDERS#1 for somebody else');
    await send('ORDERS', 'u1', 'not for u2');
    c.unbind();
    await until('not bound', () => c.seen.subscribed.at(-1).code === 4030);
    assert.equal(c.seen.bound.at(-1).user, '');
    c.bind('u1', (name) => token(name, 'wrong secret'));
    await until('a refusal', () => c.seen.bound.at(-1).code === 4013);
    assert.equal(c.seen.ops.length, 1);
    c.stop();
  },

  async 'the newest connection of a device wins, the older is told and stays away'() {
    const older = make('d6', 'u1', ['NEWS']);
    await ready(older, 1);
    const second = make('d6', 'u1', ['NEWS']);
    await until('replaced', () => older.seen.closed.length === 1);
    assert.equal(older.seen.closed[0].code, 4020);
    assert.equal(older.seen.closed[0].again, false);
    await ready(second, 1);
    second.stop();
  },

  async 'a device with a wrong clock corrects it by itself'() {
    const c = make('d7', 'u1', ['NEWS'], {clock: () => Date.now() - 3600_000});
    await ready(c, 1);
    assert.deepEqual(c.seen.closed.map((x) => x.code), [1003]);
    c.stop();
  },

  async 'a wrong secret is refused for good'() {
    const c = make('d8', '', [], {secret: 'wrong'});
    const [why] = await once(c, 'closed');
    assert.deepEqual([why.code, why.again], [4010, false]);
  },

  async 'a quiet device keeps its connection with Ping'() {
    const c = make('d9', 'u1', ['NEWS'], {heartbeat_s: 5});
    await ready(c, 1);
    await new Promise((resolve) => setTimeout(resolve, 9000)); // longer than 1.5 heartbeats
    assert.equal(c.seen.closed.length, 0);
    await send('NEWS', '', 'still here');
    await until('the news', () => c.seen.ops.at(-1)?.endsWith('still here'));
  },

  async 'a node that stops says when to come back'() {
    const c = clients.at(-1);
    assert.equal(await node.end('SIGTERM'), 0);
    await until('goodbye', () => c.seen.closed.length === 1);
    assert.equal(c.seen.closed[0].code, 2000);
    assert.ok(c.seen.closed[0].again);
  },
};

let failed;
for (const [name, step] of Object.entries(steps)) {
  const begin = Date.now();
  try {
    await step();
    console.log(`ok      ${name} (${Date.now() - begin} ms)`);
  } catch (problem) {
    console.log(`FAILED  ${name}\n${problem.stack}`);
    failed = true;
    break;
  }
}
for (const c of clients) c.stop();
await node.remove();
process.exit(failed ? 1 : 0);
