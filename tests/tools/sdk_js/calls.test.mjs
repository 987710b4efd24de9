// Gateway calls on the device connection, against a scripted server.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {make} from './scripted.mjs';
import {sdk, settle} from './sdk.mjs';

const {GatewayError} = await sdk('node/index.js');
const {signature} = await sdk('gateway/sign.js');

const asked = [];
const byHttp = async (url, {headers}) => {
  asked.push(headers['Operation-Type']);
  return new Response('"by HTTP"', {headers: {'Result-Status': '1000'}});
};
const options = {app: 'shop', workspace: 'default', url: 'https://gw/mgw.htm', fetch: byHttp, now: () => 1760000000000};

/// Online at a server that takes `calls` calls at a time.
async function online(calls = 32, gateway = options) {
  asked.length = 0;
  const x = make({gateway});
  x.client.start();
  await x.server.welcome({calls, max_frame: 65_536});
  x.server.take();
  return x;
}
const result = (id, text, more = {}) => ({id, code: 1000, data: Buffer.from(text), content_type: 'application/json', ...more});

test('a call goes on the connection, with its fields and signature', async () => {
  const {client, server} = await online(32, {...options, sign: {secret: 's'}, headers: {Channel: 'x'}});
  const call = client.call('com.shop.get', [1, 'a'], {deadlineMs: 500, headers: {more: 'y'}});
  await settle();
  const [[name, m]] = server.take();
  assert.equal(name, 'Call');
  assert.deepEqual([m.id, m.operation, Buffer.from(m.data).toString(), m.deadline_ms], [1n, 'com.shop.get', '[1,"a"]', 500]);
  const Sign = signature('HMACSHA256', 's', {operation: 'com.shop.get', data: m.data, ts: '1760000000000'});
  assert.deepEqual({...m.headers}, {Version: '2.0', Ts: '1760000000000', 'Content-Type': 'application/json', SignType: 'HMACSHA256',
    Sign, Channel: 'x', more: 'y'});
  await server.tell('CallResult', result(1n, '{"id":7}'));
  assert.deepEqual(await call, {id: 7});
  assert.deepEqual(asked, []);
});

test('many calls are under way at a time, and each gets its own answer', async () => {
  const {client, server} = await online();
  const calls = [1, 2, 3].map((x) => client.call('op', [x]));
  await settle();
  for (const id of [3n, 1n, 2n]) await server.tell('CallResult', result(id, `${id}0`));
  assert.deepEqual(await Promise.all(calls), [10, 20, 30]);
});

test('any other code is an error with its texts, and what came with it', async () => {
  const {client, server} = await online();
  const refused = assert.rejects(client.call('op'),
    (x) => x instanceof GatewayError && x.resultStatus === 1002 && x.tips === 'busy' && x.memo === 'limit');
  await settle();
  await server.tell('CallResult', {id: 1n, code: 1002, tips: 'busy', memo: 'limit'});
  await refused;
});

test('an aborted call is cancelled, and its answer is nobody\'s', async () => {
  const {client, server} = await online();
  const caller = new AbortController();
  const call = client.call('op', [], {signal: caller.signal});
  await settle();
  caller.abort(new Error('not needed'));
  await assert.rejects(call, /not needed/);
  assert.deepEqual(server.names(), ['Call', 'CallCancel']);
  await server.tell('CallResult', result(1n, '1'));
});

test('a call that nobody answers ends a little behind its deadline', async () => {
  const {client, server, clock} = await online();
  const call = client.call('op', [], {deadlineMs: 2_000});
  const ended = assert.rejects(call, /deadline/);
  await settle();
  await clock.advance(2_999);
  assert.deepEqual(server.names(), ['Call']);
  await clock.advance(1);
  await ended;
  assert.deepEqual(server.names(), ['CallCancel']);
});

test('a lost connection ends its calls, and does not repeat them', async () => {
  const {client, server} = await online();
  const call = client.call('op');
  const ended = assert.rejects(call, (x) => x.resultStatus === 4001 && /lost/.test(x.memo));
  await settle();
  await server.lose();
  await ended;
  assert.deepEqual(asked, []);
});

test('without a connection, and where it takes no calls, they go by HTTP', async () => {
  const {client} = make({gateway: options});
  assert.equal(await client.call('offline'), 'by HTTP');
  const {client: old} = await online(0);
  assert.equal(await old.call('old server'), 'by HTTP');
});

test('one call too many, or too large, goes by HTTP', async () => {
  const {client, server} = await online(2);
  void client.call('first').catch(() => {});
  void client.call('second').catch(() => {});
  assert.equal(await client.call('third'), 'by HTTP');
  assert.deepEqual(server.names(), ['Call', 'Call']);
  const {client: other} = await online();
  assert.equal(await other.call('large', ['x'.repeat(65_536)]), 'by HTTP');
});

test('without a URL such a call fails, and says why', async () => {
  const {url, ...bare} = options;
  const {client} = make({gateway: bare});
  await assert.rejects(client.call('op'), /no connection/);
  await assert.rejects(make().client.call('op'), /gateway/);
});
