// The JavaScript client in headless Chromium against a real node: browser_scenario.mjs PATH/TO/shoald BUILT/PACKAGE CHROMIUM
//
// The page comes from a server of this test and tells it what it sees: each op as its handler gets it (the handler waits
// for the server's word), and every step it has made. Nothing outside this machine is asked.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import {spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {World, dist, numbers, pause, run, until} from './world.mjs';

const world = new World();
const here = path.dirname(fileURLToPath(import.meta.url));
const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'shoal-chromium.'));
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-dev-shm-usage',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--ignore-certificate-errors',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', '--remote-debugging-port=0', `--user-data-dir=${profile}`];

let chromium;
let told = []; // ops, as the page's handlers got them
const said = []; // everything else
const sent = [];
const carried = []; // calls that have come through the gateway
let stop_page; // answers the page's question how long to go on
const kinds = {'.js': 'text/javascript', '.html': 'text/html', '.mjs': 'text/javascript'};

const server = http.createServer((request, response) => {
  const {pathname} = new URL(request.url, 'http://x');
  if (request.method === 'POST') {
    let body = '';
    request.on('data', (bytes) => { body += bytes; });
    request.on('end', () => {
      if (pathname === '/echo') { // the backend of the gateway
        carried.push({body, headers: request.headers});
        response.setHeader('Content-Type', 'application/json');
        return response.end(`{"heard":${body}}`);
      }
      (pathname === '/op' ? told : said).push(body);
      response.end();
    });
    return;
  }
  if (pathname === '/stop') { // the page waits here for as long as it should go on
    stop_page = () => response.end();
    return;
  }
  const file = pathname.startsWith('/sdk/') ? path.join(dist, path.normalize(pathname.slice(4))) : path.join(here, 'page.html');
  response.setHeader('Content-Type', kinds[path.extname(file)] ?? 'text/plain');
  fs.createReadStream(file).on('error', () => { response.statusCode = 404; response.end(); }).pipe(response);
});

async function send(...payloads) {
  for (const x of payloads) {
    await world.send('ORDERS', 'u1', x);
    sent.push(x);
  }
}

/// Opens the page; what it should do stands in the address.
async function browse(settings) {
  const {port} = server.address();
  const address = new URL(`http://127.0.0.1:${port}/`);
  address.search = new URLSearchParams({url: `wss://127.0.0.1:${world.node.port}/v1/device`, key: world.key.id,
    secret: world.key.secret, user: 'u1', token: world.token('u1'), ...settings});
  chromium = spawn(process.argv[4], [...flags, address.href], {stdio: ['ignore', 'ignore', 'pipe']});
  chromium.noise = '';
  chromium.stderr.on('data', (bytes) => { chromium.noise = (chromium.noise + bytes).slice(-4000); });
  chromium.gone = new Promise((resolve) => chromium.once('exit', resolve));
}

/// Ends page and browser as a user does: Chromium writes localStorage seconds later, or when it ends in order.
async function close() {
  stop_page();
  await heard('stopped');
  chromium.kill('SIGTERM');
  await Promise.race([chromium.gone, pause(10_000).then(() => assert.fail('Chromium does not end'))]);
  chromium = undefined;
}
const state = () => `${told.length} ops, the page said ${JSON.stringify(said.slice(-5))}, chromium: ${chromium?.noise.slice(-500)}`;
const heard = (what) => until(() => `"${what}"; ${state()}`, () => said.includes(what), 60);
const hasAll = (expected) => until(() => `${expected.length} ops; ${state()}`, () => told.length >= expected.length, 60)
  .then(() => assert.deepEqual(told, expected));

const steps = {
  async 'a node, an app, a backlog'() {
    await world.start();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    await send(...numbers(1, 20));
  },
};
for (const store of ['localStorage', 'IndexedDB']) {
  Object.assign(steps, {
    async [`a page with ${store} gets the backlog, then live ops`]() {
      told = [];
      await browse({store, device: store});
      await heard('online');
      await hasAll(sent);
      await send(`live ${store}`);
      await hasAll(sent);
    },

    async [`a page with ${store}: kill -9 of the node under load: nothing lost, nothing doubled`]() {
      told = [];
      const all = numbers(1, 200).map((x) => `${store} ${x}`);
      const sending = send(...all);
      await until(state, () => told.length >= 100, 60);
      await world.crash();
      await sending;
      await hasAll(all);
      assert.ok(said.some((x) => x.startsWith('offline')), state());
    },

    async [`a page with ${store} that is loaded again goes on where it was`]() {
      await close();
      said.length = 0;
      told = [];
      const more = numbers(1, 20).map((x) => `${store} again ${x}`);
      await send(...more);
      await browse({store, device: store, reload_after: '10'});
      await hasAll(more);
      await heard('loaded again');
      await close();
      said.length = 0;
    },
  });
}
steps['a page encrypts with its WebCrypto what Node opens with OpenSSL'] = async () => {
  await browse({store: 'memory', device: 'crypto', check: 'crypto'});
  await heard('crypto: hashes, envelope and its key agree');
};

steps['a page makes signed and encrypted calls through the gateway, by HTTP and on its device connection'] = async () => {
  chromium.kill('SIGTERM');
  await chromium.gone;
  said.length = 0;
  const origin = `127.0.0.1:${server.address().port}`;
  const pem = {publicKeyEncoding: {type: 'spki', format: 'pem'}, privateKeyEncoding: {type: 'pkcs8', format: 'pem'}};
  const {publicKey, privateKey} = crypto.generateKeyPairSync('ec', {namedCurve: 'prime256v1', ...pem});
  await world.api('PATCH', '/gateway/settings', {enabled: true, secret: 'what pages sign with', need_nonce: true,
    hosts: ['127.0.0.1'], // by it a preflight, which has none of the call's headers, finds the app
    decryption_keys: [{number: 1, private_pem: privateKey}], cors: {origins: [`http://${origin}`]}});
  await world.api('PUT', '/gateway/groups/echo', {upstreams: [{address: origin}]});
  await world.api('PUT', '/gateway/apis/com.shop.echo',
    {group: 'echo', method: 'POST', path: '/echo', need_encrypt: true, timeout_ms: 30_000, status: 'online'});
  await browse({store: 'memory', device: 'caller', check: 'calls', gateway: `https://127.0.0.1:${world.node.port}/mgw.htm`,
    sign_secret: 'what pages sign with', public_key: publicKey});
  await heard('all calls are made');
  assert.deepEqual(said.filter((x) => !x.startsWith('all')), [
    'signed and sealed: {"heard":{"from":"signed and sealed"}}', 'a wrong secret: 7002', 'no signature: 7014',
    'in plain text: 3003', 'on the device connection: {"heard":{"from":"on the device connection"}}',
  ]);
  assert.deepEqual(carried.map((x) => x.body), ['{"from":"signed and sealed"}', '{"from":"on the device connection"}']);
  for (const {headers} of carried) {
    const left = Number(headers['x-envoy-expected-rq-timeout-ms']);
    assert.ok(left > 0 && left <= 20_000, `the backend hears how long the page waits: ${left}`);
  }
  assert.equal(carried[1].headers.did, 'caller', 'as the connection has proved');
};

await run(steps, async () => {
  chromium?.kill('SIGKILL');
  await chromium?.gone;
  server.close();
  await world.end();
  fs.rmSync(profile, {recursive: true, force: true, maxRetries: 5});
});
