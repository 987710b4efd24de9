// The client on the sockets of mini-programs: what `wx.connectSocket` gives, played by the test.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {at, make} from './scripted.mjs';
import {sdk, settle} from './sdk.mjs';

const {miniProgramSocket} = await sdk('device/socket.js');
const {encodeFrame, FrameReader} = await sdk('wire/frame.js');
const {messages, nameOf} = await sdk('wire/messages.js');
const {decode} = await sdk('wire/protobuf.js');

/// A SocketTask as documented: callbacks are registered, data goes as ArrayBuffer, close takes an object.
class Task {
  said = [];
  closes = 0;
  reader = new FrameReader();
  onOpen(heard) { this.open = heard; }
  onMessage(heard) { this.message = heard; }
  onClose(heard) { this.closed = heard; }
  onError(heard) { this.failed = heard; }
  send({data}) {
    assert.ok(data instanceof ArrayBuffer, 'a view of a larger buffer would send too much');
    this.reader.append(new Uint8Array(data));
    for (const x of this.reader.take()) {
      const name = nameOf(x.type);
      this.said.push([name, decode(messages[name], x.body)]);
    }
  }
  close(options) {
    assert.equal(typeof options, 'object');
    this.closes++;
  }

  async tell(name, message = {}) {
    this.message({data: encodeFrame(name, message).slice().buffer});
    await settle();
  }
}

function clientOnTasks() {
  const tasks = [];
  const connect = miniProgramSocket(() => {
    tasks.push(new Task());
    return tasks.at(-1);
  });
  return {tasks, ...make({connect})};
}

/// A socket alone, and what it has told.
function socketOnTask() {
  const task = new Task();
  const heard = [];
  const socket = miniProgramSocket(() => task)({
    opened: () => heard.push('opened'),
    received: (bytes) => heard.push([...bytes]),
    closed: (why) => heard.push(why),
  });
  return {task, socket, heard};
}

const welcome = {session: 1n, server_time_ms: 1_760_000_000_000n, heartbeat_s: 60, window_ops: 100, window_bytes: 100_000};

test('a mini-program gets its ops and acknowledges them', async () => {
  const {tasks, client, clock} = clientOnTasks();
  const got = [];
  client.subscribe('NEWS', (op) => { got.push(op.text()); });
  client.start();
  const [task] = tasks;
  task.open();
  await settle();
  assert.equal(task.said[0][0], 'Hello');
  await task.tell('Welcome', welcome);
  await task.tell('Subscribed', {biz: 'NEWS', position: at(0)});
  await task.tell('Ops', {biz: 'NEWS', epoch: 7n, after: 0n, upto: 1n,
    ops: [{id: 1n, payload: Buffer.from('hello'), time_ms: 5n, key: ''}]});
  assert.deepEqual(got, ['hello']);
  await clock.advance(50);
  assert.deepEqual(task.said.at(-1), ['Ack', {entries: [{biz: 'NEWS', ...at(1)}], binding: 0}]);
});

test('it comes back by itself after an error, on a new socket, whatever the old one still says', async () => {
  const {tasks, client, clock, events} = clientOnTasks();
  client.start();
  tasks[0].open();
  await settle();
  await tasks[0].tell('Welcome', welcome);
  tasks[0].failed({errMsg: 'connectSocket:fail'});
  tasks[0].closed({code: 1006});
  await settle();
  assert.equal(events('offline').length, 1);
  await clock.advance(2_000);
  assert.equal(tasks.length, 2);
  tasks[0].open();
  tasks[0].message({data: new Uint8Array([1, 2, 3]).buffer});
  tasks[1].open();
  await settle();
  await tasks[1].tell('Welcome', welcome);
  assert.equal(events('online').length, 2);
});

test('bytes arrive as they are, and text ends the connection', () => {
  const {task, heard} = socketOnTask();
  task.open();
  task.message({data: new Uint8Array([0, 255]).buffer});
  task.message({data: 'text'});
  assert.deepEqual(heard, ['opened', [0, 255]]);
  assert.equal(task.closes, 1);
});

test('the end is told once, with its reason, and nothing after it', () => {
  const {task, socket, heard} = socketOnTask();
  task.closed({code: 4000, reason: 'enough'});
  task.failed({errMsg: 'late'});
  task.open();
  task.message({data: new Uint8Array([1]).buffer});
  socket.send(new Uint8Array([1]));
  assert.deepEqual(heard, ['enough']);
  assert.deepEqual(task.said, []);
  for (const [how, why] of [[(x) => x.closed({code: 1006}), /1006/], [(x) => x.closed({}), /no code/], [(x) => x.failed({}), /failed/]]) {
    const one = socketOnTask();
    how(one.task);
    assert.equal(one.heard.length, 1);
    assert.match(one.heard[0], why);
  }
});

test('closing needs no answer of a network that is gone', async () => {
  const {task, socket, heard} = socketOnTask();
  task.open();
  socket.close();
  assert.deepEqual(heard, ['opened'], 'events come later, never from within the call');
  await settle();
  socket.close();
  task.closed({code: 1000});
  await settle();
  assert.deepEqual(heard, ['opened', 'closed']);
});
