// Where positions live.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {test} from 'node:test';
import {sdk} from './sdk.mjs';

const {MemoryPositions, WebPositions, parsePosition, printPosition} = await sdk('device/positions.js');
const {FilePositions} = await sdk('node/file_positions.js');
const {accept} = await sdk('device/interval.js');

const at = (id, epoch = 7n) => ({epoch, id: BigInt(id)});

function fakeStorage() {
  const entries = new Map();
  return {entries, getItem: (k) => entries.get(k) ?? null, setItem: (k, v) => entries.set(k, v), removeItem: (k) => entries.delete(k)};
}

function scratch(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'shoal-js.'));
  t.after(() => fs.rmSync(folder, {recursive: true}));
  return path.join(folder, 'positions.json');
}

test('positions are texts that come back, and nothing else does', () => {
  const largest = {epoch: 2n ** 64n - 1n, id: 0n};
  assert.deepEqual(parsePosition(printPosition(largest)), largest);
  for (const bad of [null, undefined, '', '1', '1:', ':1', '-1:2', '1:2:3', '1:2 ', 'x:1', `1:${'9'.repeat(21)}`])
    assert.equal(parsePosition(bad), undefined, bad);
});

test('each store keeps users and bizs apart', async (t) => {
  for (const store of [new MemoryPositions(), new WebPositions('p.', fakeStorage()), new FilePositions(scratch(t))]) {
    await store.save('', 'a', at(1));
    await store.save('u', 'a', at(2));
    await store.save('u","a', '', at(3));
    await store.save('u', 'b', at(4));
    await store.forget('u', 'b');
    assert.deepEqual(await store.load('', 'a'), at(1));
    assert.deepEqual(await store.load('u', 'a'), at(2));
    assert.deepEqual(await store.load('u","a', ''), at(3));
    assert.equal(await store.load('u', 'b'), undefined);
    assert.equal(await store.load('v', 'a'), undefined);
  }
});

test('a file holds what was saved when the promise resolved', async (t) => {
  const file = scratch(t);
  const store = new FilePositions(file, {durability: 'power'});
  let last;
  for (let id = 1; id <= 500; id++) last = store.save('u', 'a', at(id));
  await last;
  assert.deepEqual(new FilePositions(file).load('u', 'a'), at(500));
  assert.deepEqual(fs.readdirSync(path.dirname(file)), ['positions.json']);
});

test('a file that is none is no excuse to begin again', (t) => {
  const file = scratch(t);
  fs.writeFileSync(file, '{"half');
  assert.throws(() => new FilePositions(file));
});

test('a save that fails says so, and the next one is tried', async (t) => {
  const file = scratch(t);
  const store = new FilePositions(path.join(path.dirname(file), 'missing', 'x'));
  await assert.rejects(store.save('u', 'a', at(1)));
  fs.mkdirSync(path.join(path.dirname(file), 'missing'));
  await store.save('u', 'a', at(2));
});

test('an interval says which ops are new', () => {
  const frame = (after, upto, ...ids) => ({biz: 'b', epoch: 7n, after: BigInt(after), upto: BigInt(upto), ops: ids.map((id) => ({id: BigInt(id)}))});
  const ids = (x) => x && [x.ops.map((op) => Number(op.id)), Number(x.then.id)];
  assert.deepEqual(ids(accept(at(4), frame(4, 9, 6, 8))), [[6, 8], 9]);
  assert.deepEqual(ids(accept(at(6), frame(4, 9, 5, 6, 8))), [[8], 9]);
  assert.deepEqual(ids(accept(at(9), frame(4, 9, 6, 8))), [[], 9]);
  assert.deepEqual(ids(accept(at(12), frame(4, 9, 6, 8))), [[], 12]);
  assert.equal(accept(at(3), frame(4, 9, 6)), undefined);
  assert.equal(accept(at(4, 8n), frame(4, 9, 6)), undefined);
});
