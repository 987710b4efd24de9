// Calls through the gateway, against a fetch that tests look into and a server's half written with Node's own crypto.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import {test} from 'node:test';
import {hex, sdk} from './sdk.mjs';

const {signature} = await sdk('gateway/sign.js');
const {seal} = await sdk('gateway/envelope.js');
const {Gateway, GatewayError} = await sdk('node/index.js');

const text = (x) => new TextEncoder().encode(x);
const where = {operation: 'com.example.get', app: 'shop', workspace: 'default'};
const server = crypto.generateKeyPairSync('ec', {namedCurve: 'P-256'});
const publicKey = server.publicKey.export({type: 'spki', format: 'pem'});

/// What protocol/mgw/README.md says the gateway does with an envelope.
function openAsGateway(envelope, {operation, app, workspace}) {
  const bytes = Buffer.from(envelope);
  const wrapped = bytes.subarray(6, 6 + bytes.readUInt16BE(4));
  const head = bytes.subarray(0, 6 + wrapped.length);
  const ecdh = crypto.createECDH('prime256v1');
  ecdh.setPrivateKey(Buffer.from(server.privateKey.export({format: 'jwk'}).d, 'base64url'));
  const info = Buffer.concat([Buffer.from('SHOAL1-MGW'), bytes.subarray(1, 3)]);
  const keys = Buffer.from(crypto.hkdfSync('sha256', ecdh.computeSecret(wrapped), wrapped, info, 64));
  const known = (direction, begin) => Buffer.concat([Buffer.from(direction),
    ...[operation, app, workspace, begin].map((x) => Buffer.from(x)).flatMap((x) => [Buffer.from([x.length >> 8, x.length & 255]), x])]);
  const nonce = bytes.subarray(head.length, head.length + 12);
  const decipher = crypto.createDecipheriv('aes-256-gcm', keys.subarray(0, 32), nonce);
  decipher.setAAD(known('request', head));
  decipher.setAuthTag(bytes.subarray(-16));
  const data = Buffer.concat([decipher.update(bytes.subarray(head.length + 12, -16)), decipher.final()]).toString();
  const answer = (said) => {
    const iv = crypto.randomBytes(12);
    const cipher = crypto.createCipheriv('aes-256-gcm', keys.subarray(32), iv);
    cipher.setAAD(known('response', Buffer.from([1, 1])));
    return Buffer.concat([Buffer.from([1, 1]), iv, cipher.update(said), cipher.final(), cipher.getAuthTag()]);
  };
  return {head, data, answer};
}

/// A gateway that answers with `status` and writes down what it was asked.
function fake(answer, more = {}) {
  const seen = [];
  const fetch = async (url, options) => {
    seen.push({url, ...options});
    const {status = 1000, headers = {}, body = ''} = await answer(options);
    return new Response(body, {headers: {'Result-Status': String(status), ...headers}});
  };
  const gateway = new Gateway({url: 'https://gw/mgw.htm', app: 'shop', workspace: 'default', fetch, now: () => 1760000000000, ...more});
  return {gateway, seen};
}

test('signatures are those of the page', () => {
  const x = {operation: 'com.example.get', data: text('[{"a":"中"}]'), ts: '1760000000000'};
  assert.equal(signature('MD5', 'test-secret', x), 'c8fa738582b982cb14ae322199b5d9b7');
  assert.equal(signature('HMACSHA256', 'test-secret', x), '548e0d8a684a17a0e36d2a3545fe546ed60ecc0dd9155ec59f85fcf0eecadc99');
  assert.equal(signature('HMACSHA256', 'test-secret', {...x, nonce: 'n1'}), '0c797a031de6e2620b079a37a0afe1f5c88cbbf3f6b36a42213761ad7432e676');
});

test('a call goes out with its fields and comes back as its result', async () => {
  const {gateway, seen} = fake(() => ({body: '{"id":7}'}), {sign: {secret: 'test-secret'}, headers: {UserId: 'u1'}});
  assert.deepEqual(await gateway.call('com.example.get', [{a: '中'}]), {id: 7});
  const {url, method, headers, body} = seen[0];
  assert.deepEqual([url, method, Buffer.from(body).toString()], ['https://gw/mgw.htm', 'POST', '[{"a":"中"}]']);
  assert.deepEqual(headers, {'Operation-Type': 'com.example.get', AppId: 'shop', WorkspaceId: 'default', Version: '2.0',
    Ts: '1760000000000', 'Content-Type': 'application/json', SignType: 'HMACSHA256', UserId: 'u1',
    Sign: '548e0d8a684a17a0e36d2a3545fe546ed60ecc0dd9155ec59f85fcf0eecadc99'});
});

test('a deadline that was named is told, and no other', async () => {
  const told = async (calls, more) => {
    const {gateway, seen} = fake(() => ({body: '{"results":[]}'}), more);
    await calls(gateway);
    return seen[0].headers['X-Envoy-Expected-Rq-Timeout-Ms'];
  };
  assert.equal(await told((x) => x.call('op')), undefined);
  assert.equal(await told((x) => x.call('op', [], {deadlineMs: 1999.5})), '2000');
  assert.equal(await told((x) => x.call('op'), {deadlineMs: 700}), '700');
  assert.equal(await told((x) => x.call('op', [], {deadlineMs: 50}), {deadlineMs: 700}), '50');
  assert.equal(await told((x) => x.batch([{operation: 'op'}], {deadlineMs: 900})), '900');
  assert.equal(await told((x) => x.send('op', '[]'), {deadlineMs: 1e12}), '2147483647');
});

test('named arguments are one object, and a nonce is signed', async () => {
  const {gateway, seen} = fake(() => ({}), {sign: {secret: 's', type: 'MD5', nonce: true}});
  assert.equal(await gateway.call('op', {_requestBody: {x: 1}, page: 2}), null);
  const {headers, body} = seen[0];
  assert.equal(Buffer.from(body).toString(), '[{"_requestBody":{"x":1},"page":2}]');
  assert.match(headers.Nonce, /^[0-9a-f]{32}$/);
  assert.equal(headers.Sign, signature('MD5', 's', {operation: 'op', data: body, ts: headers.Ts, nonce: headers.Nonce}));
});

test('a batch is one request with calls signed one by one, and each ends for itself', async () => {
  const results = [{resultStatus: 1000, result: {id: 7}}, {resultStatus: 1002, tips: 'busy', memo: 'limit of app'}];
  const {gateway, seen} = fake(() => ({body: JSON.stringify({results})}), {sign: {secret: 'test-secret'}});
  const ended = await gateway.batch([{operation: 'com.example.get', args: [{a: '中'}]}, {operation: 'com.example.put', args: {n: 1}}]);
  assert.deepEqual(ended[0], {status: 'fulfilled', value: {id: 7}});
  assert.deepEqual([ended[1].reason.resultStatus, ended[1].reason.tips, ended[1].reason.memo], [1002, 'busy', 'limit of app']);
  const {url, headers, body} = seen[0];
  assert.equal(url, 'https://gw/mgw/batch');
  assert.deepEqual(headers, {AppId: 'shop', WorkspaceId: 'default', 'Content-Type': 'application/json'});
  const {calls} = JSON.parse(Buffer.from(body).toString());
  assert.deepEqual(calls[0], {operationType: 'com.example.get', requestData: '[{"a":"中"}]', ts: '1760000000000',
    signType: 'HMACSHA256', sign: '548e0d8a684a17a0e36d2a3545fe546ed60ecc0dd9155ec59f85fcf0eecadc99'});
  assert.equal(calls[1].requestData, '[{"n":1}]');
});

test('a batch that is refused as a whole is an error', async () => {
  const {gateway} = fake(() => ({status: 3002, headers: {Memo: 'calls'}, body: '{"resultStatus":3002}'}));
  await assert.rejects(gateway.batch([]), (error) => error.resultStatus === 3002 && error.memo === 'calls');
});

test('what a generated client batches is one request, or several where it cannot be', async () => {
  const calls = [{operationType: 'a', requestData: '[{"n":1.0}]'}, {operationType: 'b', requestData: '[]'}];
  const results = [{resultStatus: 1000, result: 1}, {resultStatus: 1002, tips: 'busy'}];
  const {gateway, seen} = fake(() => ({body: JSON.stringify({results})}), {sign: {secret: 's'}});
  assert.deepEqual(await gateway.sendBatch(calls), results);
  const sent = JSON.parse(Buffer.from(seen[0].body).toString()).calls;
  assert.deepEqual([seen.length, sent[0].requestData, sent[1].operationType], [1, '[{"n":1.0}]', 'b'], 'data goes as it is');
  assert.deepEqual(await gateway.sendBatch([]), []);
  const other = fake(() => ({body: '7'}), {url: 'https://gw/calls'});
  assert.deepEqual(await other.gateway.sendBatch(calls), [{resultStatus: 1000, result: 7}, {resultStatus: 1000, result: 7}]);
  assert.deepEqual([seen.length, other.seen.length], [1, 2]);
});

test('any other code is an error with its texts', async () => {
  const {gateway} = fake(() => ({status: 1002, headers: {Tips: '%E5%BF%99', Memo: 'limit%20of%20app'},
    body: '{"resultStatus":1002,"tips":"忙"}'}));
  await assert.rejects(gateway.call('op'), (problem) => {
    assert.ok(problem instanceof GatewayError);
    assert.deepEqual([problem.resultStatus, problem.tips, problem.memo], [1002, '忙', 'limit of app']);
    return true;
  });
  assert.deepEqual(await gateway.send('op', '[]'), {resultStatus: 1002, tips: '忙'});
});

test('an answer that is no JSON is its text', async () => {
  assert.equal(await fake(() => ({body: 'plain'})).gateway.call('op'), 'plain');
});

test('an answer of somebody else is none', async () => {
  const gateway = new Gateway({url: 'https://gw/', app: 'a', workspace: 'w', fetch: async () => new Response('<html>', {status: 502})});
  await assert.rejects(gateway.call('op'), /502/);
});

test('a deadline ends a call, and so does its caller', async () => {
  const never = (options) => new Promise((_, reject) => options.signal.addEventListener('abort', () => reject(options.signal.reason)));
  const {gateway} = fake(never);
  await assert.rejects(gateway.call('op', [], {deadlineMs: 5}), (x) => x instanceof GatewayError && x.resultStatus === 4001);
  const caller = new AbortController();
  const call = gateway.call('op', [], {signal: caller.signal});
  caller.abort(new Error('not needed any more'));
  await assert.rejects(call, /not needed any more/);
  await assert.rejects(gateway.call('op', [], {signal: caller.signal}), /not needed any more/);
});

test('an envelope is the one that the page describes', async () => {
  const {envelope, open} = await seal({publicKey, number: 9}, text('["secret"]'), where, crypto.webcrypto);
  const {head, data, answer} = openAsGateway(envelope, where);
  assert.equal(hex(head.subarray(0, 6)), '010201090041');
  assert.equal(data, '["secret"]');
  assert.equal(Buffer.from(await open(answer('{"ok":1}'))).toString(), '{"ok":1}');
  const forged = answer('{"ok":1}');
  forged[20] ^= 1;
  await assert.rejects(open(forged));
  await assert.rejects(open(Buffer.from([1, 2])));
  assert.throws(() => openAsGateway(envelope, {...where, operation: 'com.example.put'}));
});

test('an encrypted call is signed over its envelope, and its answer read', async () => {
  const {gateway, seen} = fake(({body}) => {
    const {data, answer} = openAsGateway(body, where);
    return {body: answer(`{"got":${data}}`)};
  }, {encrypt: {publicKey, number: 1}, sign: {secret: 's'}});
  assert.deepEqual(await gateway.call('com.example.get', [1, 2]), {got: [1, 2]});
  const {headers, body} = seen[0];
  assert.equal(headers.Crypt, 'ECC');
  assert.equal(headers.Sign, signature('HMACSHA256', 's', {operation: 'com.example.get', data: body, ts: headers.Ts}));
});

test('what an encrypted refusal carries is read, too', async () => {
  const {gateway} = fake(({body}) => {
    const {answer} = openAsGateway(body, where);
    return {status: 6001, body: JSON.stringify({resultStatus: 6001, tips: 'no', result: answer('{"left":0}').toString('base64')})};
  }, {encrypt: {publicKey, number: 1}});
  assert.deepEqual(await gateway.send('com.example.get', '[]'), {resultStatus: 6001, tips: 'no', result: {left: 0}});
});

test('the point of a key is as good as its PEM', async () => {
  const point = server.publicKey.export({type: 'spki', format: 'der'}).subarray(-65);
  const {envelope} = await seal({publicKey: point, number: 1}, text('x'), where, crypto.webcrypto);
  assert.equal(openAsGateway(envelope, where).data, 'x');
});
