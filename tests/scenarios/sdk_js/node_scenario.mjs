// The JavaScript client in Node against a real node: node_scenario.mjs PATH/TO/shoald FOLDER/OF/THE/BUILT/PACKAGE
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {World, numbers, pause, run, sdk, until} from './world.mjs';

const {Client, FilePositions, Gateway, nodeWebSocket, tlsSocket} = await sdk('node/index.js');

const world = new World();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'shoal-js.'));
const clients = [];
const sent = []; // to u1
const transports = {TLS: tlsSocket, 'a WebSocket': nodeWebSocket};

/// A client of u1 that writes down its orders; handlers take a moment, so that crashes meet them.
function make(name, transport, more = {}) {
  const c = new Client({
    connect: transports[transport]({host: 'localhost', port: world.node.port, ca: world.node.ca}),
    key: world.key.id, secret: world.key.secret, device: name, facts: {os: 'linux'},
    positions: new FilePositions(path.join(folder, `${name}.json`)), ...more,
  });
  c.got = [];
  c.offline = [];
  c.on('offline', (x) => c.offline.push(x));
  c.subscribe('ORDERS', async (op) => {
    await pause(1);
    c.got.push(op.text());
  });
  c.bind('u1', () => world.token('u1'));
  c.start();
  clients.push(c);
  return c;
}
async function send(...payloads) {
  for (const x of payloads) {
    await world.send('ORDERS', 'u1', x);
    sent.push(x);
  }
}
const has = (c, expected) => until(() => `${expected.length} ops, got ${c.got.length}: ${JSON.stringify(c.offline.at(-1))}`,
  () => c.got.length >= expected.length).then(() => assert.deepEqual(c.got, expected));

const steps = {
  async 'a node, an app, a backlog'() {
    await world.start();
    await send(...numbers(1, 20));
  },
};

for (const transport of Object.keys(transports)) {
  const device = transport.replace(/\W/g, '-');
  let c;
  Object.assign(steps, {
    async [`over ${transport}: the backlog, then live ops`]() {
      c = make(device, transport);
      await has(c, sent);
      assert.equal(c.state, 'online');
      await send(`live ${device}`);
      await has(c, sent);
    },

    async [`over ${transport}: kill -9 of the node under load, twice: nothing lost, nothing doubled`]() {
      c.got.length = 0;
      const all = numbers(1, 300).map((x) => `${device} ${x}`);
      const sending = send(...all);
      await until(() => 'a third', () => c.got.length >= 100);
      await world.crash();
      await until(() => 'two thirds', () => c.got.length >= 200);
      await world.crash();
      await sending;
      await has(c, all);
      assert.ok(c.offline.length >= 2, 'the connection was lost');
      assert.ok(c.offline.every((x) => x.delayMs !== undefined));
    },

    async [`over ${transport}: a client that ends and begins again goes on where it was`]() {
      await c.stop();
      const more = numbers(1, 50).map((x) => `${device} again ${x}`);
      await send(...more);
      c = make(device, transport);
      await has(c, more);
      await c.stop();
      await until(() => 'the cursor at the newest id', async () => {
        const {cursors} = await world.api('GET', '/streams/user:u1/ORDERS/cursors');
        return cursors.some((x) => x.device === device && (x.id ?? x.position?.id) === sent.length);
      });
    },

    async [`over ${transport}: another user's ops stay away, and come after bind`]() {
      await world.send('ORDERS', 'u2', `for u2 ${device}`);
      c = make(`${device}-2`, transport, {positions: undefined});
      await has(c, sent);
      c.bind('u2', () => world.token('u2'));
      await until(() => 'the op of u2', () => c.got.at(-1) === `for u2 ${device}`);
      c.got.length = 0;
      await send(`not for u2 ${device}`);
      await world.send('ORDERS', 'u2', `last ${device}`);
      await until(() => 'the last', () => c.got.at(-1) === `last ${device}`);
      assert.deepEqual(c.got, [`last ${device}`]);
      await c.stop();
    },

    async [`over ${transport}: a wrong secret is refused for good, a wrong clock corrected`]() {
      const wrong = make(`${device}-3`, transport, {secret: 'wrong'});
      await until(() => 'a refusal', () => wrong.offline.length > 0);
      assert.deepEqual([wrong.offline[0].code, wrong.offline[0].delayMs, wrong.state], [4010, undefined, 'stopped']);
      const slow = {now: () => Date.now() - 3600_000, after: (ms, what) => {
        const id = setTimeout(what, ms);
        return {cancel: () => clearTimeout(id)};
      }};
      const late = make(`${device}-4`, transport, {clock: slow, positions: undefined});
      await until(() => 'the clock corrected', () => late.state === 'online');
      assert.deepEqual(late.offline.map((x) => [x.code, x.delayMs]), [[1003, 0]]);
      await late.stop();
    },

    async [`over ${transport}: the newest connection of a device wins`]() {
      const older = make(`${device}-5`, transport);
      await until(() => 'online', () => older.state === 'online');
      const newer = make(`${device}-5`, transport, {positions: undefined});
      await until(() => 'replaced', () => older.offline.length > 0);
      assert.deepEqual([older.offline[0].code, older.state], [4020, 'stopped']);
      await until(() => 'online', () => newer.state === 'online');
      await newer.stop();
    },
  });
}

steps["a client tells its user's other devices something, through the gateway's local backend sync"] = async () => {
  await world.api('PUT', '/biz/TOLD', {online: true});
  await world.api('PATCH', '/gateway/settings', {enabled: true});
  await world.api('PUT', '/gateway/groups/own-sync', {kind: 'local', discovery: {source: 'sync'}});
  await world.api('PUT', '/gateway/apis/com.shop.tell',
    {group: 'own-sync', backend: {path: '/TOLD'}, need_sign: false, status: 'online'});
  const listen = (name, transport, user) => {
    const c = make(name, transport, {positions: undefined});
    c.bind(user, () => world.token(user));
    c.told = [];
    c.on('bound', (x) => { c.bound = x.code === 0 && x.user === user; });
    c.subscribe('TOLD', (op) => { c.told.push(op.text()); });
    return c;
  };
  const teller = listen('teller', 'TLS', 'u1');
  const hearer = listen('hearer', 'a WebSocket', 'u1');
  const stranger = listen('stranger', 'TLS', 'u2');
  const tell = (c, read) => new Gateway({app: 'shop', workspace: 'default'}, c)
    .call('com.shop.tell', {_requestBody: {read}}, {headers: {'Idempotency-Key': `read-${read}`, UserId: 'u1'}});
  for (const c of [teller, hearer, stranger]) await until(() => 'bound', () => c.bound);
  const first = await tell(teller, 7);
  assert.deepEqual([first.id, first.repeated], [1, false]);
  assert.deepEqual(await tell(teller, 7).then((x) => [x.id, x.repeated]), [1, true]);
  await tell(stranger, 8); // whatever it claims, it is u2
  await until(() => 'its own op', () => stranger.told.length > 0);
  await tell(teller, 9);
  for (const c of [teller, hearer]) await until(() => 'the last', () => c.told.at(-1) === '{"read":9}');
  assert.deepEqual([teller.told, hearer.told, stranger.told],
    [['{"read":7}', '{"read":9}'], ['{"read":7}', '{"read":9}'], ['{"read":8}']]);
  await Promise.all([teller, hearer, stranger].map((c) => c.stop()));
};

steps['a node that leaves says when to come back'] = async () => {
  const all = Object.keys(transports).map((x, i) => make(`last-${i}`, x, {positions: undefined}));
  for (const c of all) await until(() => 'online', () => c.state === 'online');
  assert.equal(await world.node.end('SIGTERM'), 0);
  for (const c of all) {
    await until(() => 'goodbye', () => c.offline.length > 0);
    assert.equal(c.offline[0].code, 2000);
    assert.ok(c.offline[0].delayMs > 0);
  }
};

await run(steps, async () => {
  await Promise.all(clients.map((c) => c.stop()));
  await world.end();
  fs.rmSync(folder, {recursive: true});
});
