// A client that shoalctl generated, on the JavaScript package, against the gateway of javascript_client_test.cpp:
// generated_client.mjs FOLDER/OF/THE/BUILT/PACKAGE PORT COMPILED/CLIENT.js
import assert from 'node:assert/strict';
import {createRequire} from 'node:module';
import path from 'node:path';
import {pathToFileURL} from 'node:url';

process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // the endpoint's certificate signs itself
process.removeAllListeners('warning');
const {Client, Gateway, tlsSocket} = await import(pathToFileURL(path.resolve(process.argv[2], 'node/index.js')));
const port = Number(process.argv[3]);
const {MgwError, ShopApi, ShopClient} = createRequire(import.meta.url)(path.resolve(process.argv[4]));
const world = {app: 'shop', workspace: 'test', sign: {secret: 'test-secret', nonce: true}};
const url = `https://127.0.0.1:${port}/mgw.htm`;
const encrypt = {publicKey: process.env.SHOAL_TEST_KEY, number: 3};

const unknown = (error) => error instanceof MgwError && error.resultStatus === 3000;

async function batch(gateway) {
  const [first, second, none] = await new ShopClient(gateway)
    .batch([ShopApi.orderCreate({id: 'first'}), ShopApi.orderCreate({id: 'second'}), ShopApi.orderGet('o2', 3)]);
  assert.deepEqual(first, {status: 'fulfilled', value: {id: 'first'}});
  assert.deepEqual(second, {status: 'fulfilled', value: {id: 'second'}});
  assert.ok(none.status === 'rejected' && unknown(none.reason), JSON.stringify(none));
}

const client = new ShopClient(new Gateway({...world, url}));
assert.deepEqual(await client.orderCreate({id: 'alone'}), {id: 'alone'});
await assert.rejects(client.orderGet('o2', 3), unknown);

const requests = [];
await batch(new Gateway({...world, url, fetch: (where, options) => (requests.push(where), fetch(where, options))}));
assert.deepEqual(requests, [`https://127.0.0.1:${port}/mgw/batch`], 'one request');
await batch(new Gateway({...world, url, encrypt})); // cannot go as one request

const device = new Client({connect: tlsSocket({host: '127.0.0.1', port}), key: 'dk', secret: 's', device: 'd1'});
const online = new Promise((resolve) => device.on('online', resolve));
device.start();
await online;
await batch(new Gateway(world, device));
await device.stop();

console.log('all calls were understood');
process.exit(0);
