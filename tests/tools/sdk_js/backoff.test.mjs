// When to come back: protocol/README.md, "Reconnecting".
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {sdk} from './sdk.mjs';

const {Backoff} = await sdk('device/backoff.js');
const {adviceOf} = await sdk('wire/codes.js');

const lost = {code: 1005, retryAfterMs: 0, lastedMs: undefined};
const latest = () => new Backoff(() => 1); // the end of each interval

test('attempts without success wait longer and longer, up to a minute', () => {
  const x = latest();
  const waits = Array.from({length: 9}, () => x.ended(lost));
  assert.deepEqual(waits, [2, 4, 8, 16, 32, 60, 60, 60, 60].map((s) => s * 1000));
  const early = new Backoff(() => 0);
  assert.equal(early.ended(lost), 0);
});

test('a connection that was welcome for 30 s begins anew, and 1xxx after it comes back at once', () => {
  const x = latest();
  for (let i = 0; i < 5; i++) x.ended(lost);
  assert.equal(x.ended({...lost, lastedMs: 29_999}), 60_000);
  assert.equal(x.ended({...lost, lastedMs: 30_000}), 0);
  assert.equal(x.ended(lost), 2_000);
});

test('a corrected clock is free once, not twice in a row', () => {
  const x = latest();
  assert.equal(x.ended({...lost, code: 1003}), 0);
  assert.equal(x.ended({...lost, code: 1003}), 2_000);
  assert.equal(x.ended(lost), 4_000);
  assert.equal(x.ended({...lost, code: 1004}), 0);
});

test('2xxx waits for what the server says, plus up to as much again; a second if it says nothing', () => {
  assert.equal(new Backoff(() => 0).ended({...lost, code: 2000, retryAfterMs: 5_000}), 5_000);
  assert.equal(latest().ended({...lost, code: 2000, retryAfterMs: 5_000}), 10_000);
  assert.equal(new Backoff(() => 0).ended({...lost, code: 2999}), 1_000);
});

test('a server that names a time is believed with every code', () => {
  assert.equal(new Backoff(() => 0).ended({...lost, code: 1001, retryAfterMs: 700, lastedMs: 60_000}), 700);
});

test('4xxx and above stop, 3xxx are failures like others', () => {
  const x = latest();
  assert.equal(x.ended({...lost, code: 3001}), 2_000);
  for (const code of [4000, 4020, 4021, 5000, 65_535]) assert.equal(x.ended({...lost, code}), undefined);
});

test('the thousands say what to do, also for numbers that nobody knows yet', () => {
  assert.deepEqual([0, 1999, 2999, 3999, 4999, 9999].map(adviceOf), ['again', 'again', 'later', 'resync', 'stop', 'stop']);
});
