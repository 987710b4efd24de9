// What the scenarios of the JavaScript client share: a node with an app, a business server that repeats until it knows,
// and sentences that are printed.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {Shoald} from '../foreign_client/node.mjs';

export const dist = path.resolve(process.argv[3]);
export const sdk = (file) => import(pathToFileURL(path.join(dist, file)));
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(what, holds, seconds = 30) {
  for (const end = Date.now() + seconds * 1000; !(await holds());) {
    assert.ok(Date.now() < end, `waited ${seconds} s for: ${what()}`);
    await pause(20);
  }
}

export class World {
  node = new Shoald(process.argv[2]);

  async start() {
    await this.node.start();
    const app = await this.node.call(this.node.operator, 'POST', '/v1/apps', {id: 'shop'});
    [this.admin, this.key] = [app.admin_key, app.device_key];
    this.user_secret = (await this.api('PUT', '/users-auth', {mode: 'hmac'})).secret;
    await this.api('PUT', '/biz/ORDERS', {online: true});
    await this.api('PUT', '/biz/NEWS', {scope: 'global', online: true});
    return this;
  }

  api(method, target, body) { return this.node.call(this.admin, method, `/v1/apps/shop${target}`, body); }

  token(user) {
    const payload = Buffer.from(JSON.stringify({user, exp: Math.floor(Date.now() / 1000) + 600})).toString('base64url');
    return `${payload}.${crypto.createHmac('sha256', this.user_secret).update(payload).digest('hex')}`;
  }

  /// Sends one op, again and again under one key while the node is away: it becomes exactly one.
  async send(biz, user, payload) {
    const body = {biz, payload, key: `${biz}-${user}-${payload}`, ...(user ? {user} : {})};
    for (const end = Date.now() + 30_000;;) {
      try {
        return await this.api('POST', '/sync', body);
      } catch (problem) {
        if (Date.now() > end || / 4\d\d /.test(problem.message)) throw problem;
        await pause(20);
      }
    }
  }

  async crash() {
    await this.node.end('SIGKILL');
    await this.node.start();
  }

  async end() { await this.node.remove(); }
}

export const numbers = (from, to) => Array.from({length: to - from + 1}, (_, i) => `${from + i}`);

/// Runs the steps in order; the process ends with 0 if all hold.
export async function run(steps, cleanUp) {
  let failed = false;
  for (const [name, step] of Object.entries(steps)) {
    const begin = Date.now();
    try {
      await step();
      console.log(`ok      ${name} (${Date.now() - begin} ms)`);
    } catch (problem) {
      console.log(`FAILED  ${name}\n${problem.stack}`);
      failed = true;
      break;
    }
  }
  await cleanUp();
  process.exit(failed ? 1 : 0);
}
