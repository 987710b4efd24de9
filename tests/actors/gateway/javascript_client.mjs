// Calls the gateway of javascript_client_test.cpp in every way: javascript_client.mjs FOLDER/OF/THE/BUILT/PACKAGE PORT
import assert from 'node:assert/strict';
import path from 'node:path';
import {pathToFileURL} from 'node:url';

process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // the endpoint's certificate signs itself
process.removeAllListeners('warning');
const {Client, Gateway, GatewayError, nodeWebSocket, tlsSocket} = await import(pathToFileURL(path.resolve(process.argv[2], 'node/index.js')));
const port = Number(process.argv[3]);
const url = `https://127.0.0.1:${port}/mgw.htm`;
const world = {app: 'shop', workspace: 'test'};
const encrypt = {publicKey: process.env.SHOAL_TEST_KEY, number: 3};
const sign = {secret: 'test-secret'};
const arguments_ = [{text: 'some 文字'}];

const refused = (call, code) => assert.rejects(call, (x) => x instanceof GatewayError && x.resultStatus === code);

async function ways(call, user) {
  for (const type of ['HMACSHA256', 'MD5'])
    for (const nonce of [false, true])
      for (const sealed of [undefined, encrypt]) {
        const options = {...world, sign: {...sign, type, nonce}, ...(sealed ? {encrypt: sealed} : {})};
        assert.equal((await call(options)('com.shop.get', arguments_)).user, user, JSON.stringify([type, nonce, !!sealed]));
      }
  await refused(call({...world, sign: {secret: 'wrong'}})('com.shop.get', arguments_), 7002);
  await refused(call(world)('com.shop.get', arguments_), 7014);
  await refused(call({...world, sign})('com.shop.none', arguments_), 3000);
  await refused(call({...world, sign, encrypt: {...encrypt, number: 9}})('com.shop.get', arguments_), 3003);
}

await ways((options) => {
  const gateway = new Gateway({...options, url, headers: {UserId: 'by-header'}});
  return (operation, data) => gateway.call(operation, data);
}, 'by-header');

const [fine, none] = await new Gateway({...world, sign, url, headers: {UserId: 'by-header'}})
  .batch([{operation: 'com.shop.get', args: arguments_}, {operation: 'com.shop.none'}]);
assert.equal(fine.value.user, 'by-header');
assert.equal(none.reason.resultStatus, 3000);

for (const transport of [tlsSocket, nodeWebSocket]) {
  const client = new Client({connect: transport({host: '127.0.0.1', port}), key: 'dk', secret: 's', device: 'd1'});
  const online = new Promise((resolve) => client.on('online', resolve));
  client.start();
  await online;
  await ways((options) => {
    const gateway = new Gateway(options, client); // without a URL: nowhere else
    return (operation, data) => gateway.call(operation, data);
  }, 'u1');
  const gateway = new Gateway({...world, sign}, client);
  const many = await Promise.all(Array.from({length: 30}, () => gateway.call('com.shop.get', arguments_)));
  assert.ok(many.every((x) => x.user === 'u1'));
  await client.stop();
}
console.log('all calls were understood');
process.exit(0);
