// The client against a scripted server: no socket, no clock but the test's.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {at, make} from './scripted.mjs';
import {sdk, settle} from './sdk.mjs';

const {MemoryPositions} = await sdk('device/positions.js');

/// Online and following NEWS from (7, 0), with the ops in `got`.
async function online(more = {}) {
  const x = make(more);
  x.got = [];
  x.client.subscribe('NEWS', more.handler ?? ((op) => { x.got.push(Number(op.position.id)); }));
  x.client.start();
  await x.server.welcome();
  await x.server.tell('Subscribed', {biz: 'NEWS', position: at(0)});
  x.server.take();
  return x;
}

/// A promise that the test resolves.
function gate() {
  let open, fail;
  const closed = new Promise((resolve, reject) => { [open, fail] = [resolve, reject]; });
  return {closed, open, fail};
}

test('it says hello, binds, and subscribes from where it stands', async () => {
  const {server, client, positions} = make({facts: {os: 'ios', tags: {ring: 'beta'}}});
  positions.save('u1', 'NEWS', at(41));
  client.subscribe('NEWS', () => {});
  client.bind('u1', async (user) => `token of ${user}`);
  client.start();
  await server.accept();
  const [hello, bind, subscribe] = server.take();
  assert.equal(hello[0], 'Hello');
  assert.deepEqual([hello[1].key, hello[1].device, hello[1].os, hello[1].version, hello[1].signature.length, hello[1].zstd],
    ['dk_test', 'd1', 'ios', 1, 32, false]);
  assert.deepEqual(bind, ['Bind', {user: 'u1', token: 'token of u1'}]);
  assert.deepEqual(subscribe, ['Subscribe', {entries: [{biz: 'NEWS', position: at(41)}]}]);
});

test('ops are handled in order, saved, then acknowledged together', async () => {
  const {server, clock, positions, got} = await online();
  await server.ops('NEWS', 0, 3, 1, 3);
  await server.ops('NEWS', 3, 4, 4);
  assert.deepEqual(got, [1, 3, 4]);
  assert.deepEqual(positions.load('', 'NEWS'), at(4));
  assert.deepEqual(server.take(), []);
  await clock.advance(50);
  assert.deepEqual(server.take(), [['Ack', {entries: [{biz: 'NEWS', ...at(4)}], binding: 0}]]);
});

test('half a window is acknowledged without waiting', async () => {
  const {server} = await online();
  for (let id = 1; id <= 50; id++) await server.ops('NEWS', id - 1, id, id);
  assert.deepEqual(server.take().map(([, x]) => x.entries[0].id), [50n]);
});

test('an op counts as handled when its handler is done, one at a time', async () => {
  const first = gate();
  const begun = [];
  const {server, clock, positions} = await online({handler: (op) => {
    begun.push(op.text());
    return begun.length === 1 ? first.closed : undefined;
  }});
  await server.ops('NEWS', 0, 2, 1, 2);
  await clock.advance(1_000);
  assert.deepEqual([begun, positions.load('', 'NEWS'), server.names()], [['op 1'], at(0), []]);
  first.open();
  await settle();
  await clock.advance(50);
  assert.deepEqual([begun, positions.load('', 'NEWS'), server.names()], [['op 1', 'op 2'], at(2), ['Ack']]);
});

test('seen ops are not handled again but acknowledged again', async () => {
  const {server, clock, got} = await online();
  await server.ops('NEWS', 0, 2, 1, 2);
  await clock.advance(50);
  server.take();
  await server.ops('NEWS', 0, 2, 1, 2);
  await server.ops('NEWS', 1, 3, 2, 3);
  await clock.advance(50);
  assert.deepEqual(got, [1, 2, 3]);
  assert.deepEqual(server.take().map(([, x]) => x.entries[0].id), [3n]);
});

test('a gap ends the connection, and what is behind it is not handled', async () => {
  const {server, events, got} = await online();
  await server.ops('NEWS', 5, 6, 6);
  assert.match(events('offline')[0].text, /missing/);
  assert.deepEqual(got, []);
});

test('a handler that fails ends the connection; the op comes again', async () => {
  let fail = true;
  const got = [];
  const {server, clock, events, positions} = await online({handler: (op) => {
    if (op.position.id === 2n && fail) throw new Error('no space');
    got.push(Number(op.position.id));
  }});
  await server.ops('NEWS', 0, 3, 1, 2, 3);
  assert.match(events('offline')[0].text, /no space/);
  assert.deepEqual([got, positions.load('', 'NEWS')], [[1], at(1)]);
  fail = false;
  server.take();
  await clock.advance(2_000);
  await server.welcome();
  assert.deepEqual(server.take('Subscribe')[0][1].entries, [{biz: 'NEWS', position: at(1)}]);
  await server.tell('Subscribed', {biz: 'NEWS', position: at(1)});
  await server.ops('NEWS', 1, 3, 2, 3);
  assert.deepEqual(got, [1, 2, 3]);
});

test('a position that cannot be saved is not acknowledged', async () => {
  const positions = new MemoryPositions();
  const {server, events, clock} = await online({positions});
  positions.save = async () => { throw new Error('disk full'); };
  await server.ops('NEWS', 0, 1, 1);
  await clock.advance(50);
  assert.match(events('offline')[0].text, /disk full/);
  assert.deepEqual(server.take('Ack'), []);
});

test('a new connection waits for the handler that still runs, and does not get its op again', async () => {
  const slow = gate();
  const {server, clock, positions} = await online({handler: () => slow.closed});
  await server.ops('NEWS', 0, 2, 1, 2);
  await server.lose();
  await clock.advance(2_000);
  await server.welcome();
  assert.deepEqual(server.names(), ['Hello']);
  slow.open();
  await settle();
  assert.deepEqual(server.take(), [['Subscribe', {entries: [{biz: 'NEWS', position: at(1)}]}]]);
  assert.deepEqual(positions.load('', 'NEWS'), at(1));
});

test('a slow handler of one biz holds up neither another biz nor the heartbeat', async () => {
  const slow = gate();
  const x = await online({handler: () => slow.closed});
  const other = [];
  x.client.subscribe('OTHER', (op) => { other.push(op.text()); });
  await settle();
  await x.server.tell('Subscribed', {biz: 'OTHER', position: at(0)});
  await x.server.ops('NEWS', 0, 1, 1);
  await x.server.ops('OTHER', 0, 1, 1);
  assert.deepEqual(other, ['op 1']);
  x.server.take();
  await x.server.tell('Ping', {number: 9n});
  assert.deepEqual(x.server.take(), [['Pong', {number: 9n, server_time_ms: 0n}]]);
  slow.open();
});

test('another user gets none of the ops of the user before', async () => {
  const slow = gate();
  const got = [];
  const {server, client, clock, positions} = make();
  client.subscribe('ORDERS', async (op) => { got.push(op.text()); await slow.closed; });
  client.bind('u1', () => 't1');
  client.start();
  await server.welcome();
  await server.tell('Bound', {user: 'u1', binding: 1});
  await server.tell('Subscribed', {biz: 'ORDERS', position: at(0)});
  await server.ops('ORDERS', 0, 2, 1, 2);
  server.take();
  client.bind('u2', () => 't2');
  await settle();
  assert.deepEqual(server.names(), ['Bind']); // Subscribe waits for what is being handled
  await server.ops('ORDERS', 2, 3, 3);
  slow.open();
  await settle();
  assert.deepEqual(server.take('Subscribe'), [['Subscribe', {entries: [{biz: 'ORDERS', position: undefined}]}]]);
  await server.tell('Bound', {user: 'u2', binding: 2});
  await server.tell('Subscribed', {biz: 'ORDERS', position: at(0)});
  await server.ops('ORDERS', 0, 1, 1);
  await clock.advance(50);
  assert.deepEqual(got, ['op 1', 'op 1']);
  assert.deepEqual([positions.load('u1', 'ORDERS'), positions.load('u2', 'ORDERS')], [at(1), at(1)]);
  assert.deepEqual(server.take('Ack'), [['Ack', {entries: [{biz: 'ORDERS', ...at(1)}], binding: 2}]]);
});

test('only the answer to the newest Subscribe counts', async () => {
  const {server, client, got} = await online();
  client.subscribe('NEWS', (op) => { got.push(op.text()); });
  await settle();
  client.subscribe('NEWS', (op) => { got.push(`new: ${op.text()}`); });
  await settle();
  assert.deepEqual(server.names(), ['Subscribe', 'Subscribe']);
  await server.ops('NEWS', 0, 1, 1);
  await server.tell('Subscribed', {biz: 'NEWS', position: at(5)});
  await server.ops('NEWS', 5, 6, 6);
  assert.deepEqual(got, []);
  await server.tell('Subscribed', {biz: 'NEWS', position: at(0)});
  await server.ops('NEWS', 0, 1, 1);
  assert.deepEqual(got, ['new: op 1']);
});

test('a reset moves the position behind what was handled, and says whether to reload', async () => {
  const {server, clock, positions, events, got} = await online();
  await server.ops('NEWS', 0, 2, 1, 2);
  await server.tell('Reset', {biz: 'NEWS', epoch: 8n, id: 1n, reason: 2});
  assert.deepEqual(positions.load('', 'NEWS'), at(1, 8));
  assert.deepEqual(events('reset'), [{biz: 'NEWS', position: at(1, 8), reason: 2, reload: true}]);
  await server.tell('Ops', {biz: 'NEWS', epoch: 8n, after: 1n, upto: 2n, ops: [{id: 2n, payload: Buffer.from('x')}]});
  assert.deepEqual(got, [1, 2, 2]);
  await server.tell('Reset', {biz: 'NEWS', epoch: 8n, id: 3n, reason: 5});
  assert.equal(events('reset')[1].reload, false);
  await clock.advance(50);
});

test('a biz that is not persistent has no position and no acknowledgement', async () => {
  const {server, clock, positions, client} = make();
  const got = [];
  client.subscribe('TICKER', (op) => { got.push(op.text()); });
  client.start();
  await server.welcome();
  await server.tell('Subscribed', {biz: 'TICKER'});
  await server.tell('Ops', {biz: 'TICKER', ops: [{id: 0n, payload: Buffer.from('now')}]});
  await clock.advance(50);
  assert.deepEqual([got, positions.load('', 'TICKER')], [['now'], undefined]);
  assert.deepEqual(server.take('Ack'), []);
});

test('a quiet connection is kept with Ping, and a dead one is left', async () => {
  const {server, clock, events} = await online();
  await clock.advance(60_000);
  assert.deepEqual(server.names(), ['Ping']);
  await server.tell('Pong', {number: 1n});
  await clock.advance(59_000);
  assert.equal(events('offline').length, 0);
  await clock.advance(11_000);
  assert.match(events('offline')[0].text, /Pong/);
});

test('who is never welcomed is not waited for', async () => {
  const {server, clock, client, events} = make();
  client.start();
  await server.accept();
  await clock.advance(10_000);
  assert.match(events('offline')[0].text, /Welcome/);
  assert.equal(events('offline')[0].delayMs, 2_000);
});

test('a wrong clock is corrected, and the hello signed again at once', async () => {
  const {server, clock, client} = make();
  client.start();
  await server.accept();
  server.take();
  await server.tell('Close', {code: 1003, server_time_ms: BigInt(clock.time + 3_600_000)});
  await clock.advance(0);
  await server.accept();
  assert.equal(server.take()[0][1].timestamp_ms, BigInt(clock.time + 3_600_000));
});

test('a code above 4000 ends it for good, until the app starts it again', async () => {
  const {server, clock, client, events} = await online();
  await server.tell('Close', {code: 4020, text: 'replaced'});
  await clock.advance(600_000);
  assert.deepEqual(events('offline'), [{code: 4020, text: 'replaced', delayMs: undefined}]);
  assert.deepEqual([client.state, server.connections], ['stopped', 1]);
  client.start();
  assert.equal(server.connections, 2);
});

test('it waits as long as a leaving node says, and less when told to hurry', async () => {
  const {server, clock, client} = await online();
  await server.tell('Close', {code: 2000, retry_after_ms: 5_000});
  await clock.advance(9_999);
  assert.equal(server.connections, 1);
  client.hurry();
  assert.equal(server.connections, 2);
  await clock.advance(60_000);
  assert.equal(server.connections >= 2, true);
});

test('a position that the server does not believe is dropped', async () => {
  const {server, clock} = await online();
  await server.ops('NEWS', 0, 1, 1);
  await server.tell('Close', {code: 3001});
  await clock.advance(2_000);
  server.take();
  await server.welcome();
  assert.deepEqual(server.take('Subscribe')[0][1].entries, [{biz: 'NEWS', position: undefined}]);
});

test('a refused token is asked for once more, then the app is told', async () => {
  let asked = 0;
  const {server, client, events} = make();
  client.bind('u1', () => `t${++asked}`);
  client.start();
  await server.welcome();
  await server.tell('Bound', {user: 'u1', code: 4014});
  assert.deepEqual(server.take('Bind').map(([, x]) => x.token), ['t1', 't2']);
  await server.tell('Bound', {user: 'u1', code: 4014, text: 'expired'});
  assert.deepEqual([asked, events('bound')], [2, [{user: 'u1', code: 4014, text: 'expired'}]]);
});

test('a fresh token is asked for also by who was bound unverified', async () => {
  let asked = 0;
  const {server, client, events} = make();
  client.bind('u1', () => `t${++asked}`);
  client.start();
  await server.welcome();
  await server.tell('Bound', {user: 'u1', binding: 1, unverified: 4014});
  assert.deepEqual(server.take('Bind').map(([, x]) => x.token), ['t1', 't2']);
  await server.tell('Bound', {user: 'u1', binding: 2, unverified: 4014, text: 'expired'});
  assert.deepEqual([asked, events('bound')], [2, [{user: 'u1', code: 0, text: 'expired'}]]);
});

test('a token that cannot be had holds up nothing but the user', async () => {
  let broken = true;
  const {server, client, clock, events} = make();
  client.subscribe('NEWS', () => {});
  client.bind('u1', async () => { if (broken) throw new Error('no network'); return 't'; });
  client.start();
  await server.welcome();
  assert.deepEqual(server.names(), ['Hello', 'Subscribe']);
  assert.equal(events('bound')[0].code, 2006);
  broken = false;
  await clock.advance(3_000);
  assert.deepEqual(server.names(), ['Bind', 'Subscribe']);
});

test('stop acknowledges what was handled and stays away', async () => {
  const {server, clock, client} = await online();
  await server.ops('NEWS', 0, 1, 1);
  await client.stop();
  assert.deepEqual(server.names(), ['Ack']);
  await clock.advance(600_000);
  assert.deepEqual([server.connections, client.state, server.open], [1, 'stopped', false]);
});

test('stop waits for the op that is being handled, acknowledges it, and begins no other', async () => {
  const slow = gate();
  const begun = [];
  const {server, client} = await online({handler: (op) => { begun.push(op.text()); return slow.closed; }});
  await server.ops('NEWS', 0, 3, 1, 2, 3);
  await server.ops('NEWS', 3, 4, 4);
  const stopped = client.stop();
  await settle();
  assert.deepEqual([server.names(), client.state], [[], 'stopping']);
  slow.open();
  await stopped;
  assert.deepEqual(begun, ['op 1']);
  assert.deepEqual(server.take(), [['Ack', {entries: [{biz: 'NEWS', ...at(1)}], binding: 0}]]);
});

test('stop does not wait for ever', async () => {
  const {server, client, clock} = await online({handler: () => new Promise(() => {})});
  await server.ops('NEWS', 0, 1, 1);
  const stopped = client.stop();
  await clock.advance(5_000);
  await stopped;
  assert.deepEqual([client.state, server.names()], ['stopped', []]);
});

test('bytes that are no frames end the connection, later ones change nothing', async () => {
  const {server, events, got} = await online();
  server.events.received(Uint8Array.of(255, 255, 255, 255));
  await settle();
  assert.match(events('offline')[0].text, /cannot be read/);
  await server.ops('NEWS', 0, 1, 1);
  assert.deepEqual([got, events('offline').length], [[], 1]);
});

test('frames of a newer server are passed over', async () => {
  const {server, events, got} = await online();
  server.events.received(Uint8Array.from([0, 0, 0, 3, 99, 0, 1]));
  await server.ops('NEWS', 0, 1, 1);
  assert.deepEqual([got, events('offline')], [[1], []]);
});
