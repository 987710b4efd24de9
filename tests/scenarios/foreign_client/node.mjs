// A fresh shoald on free ports, and signed calls to it. Used by scenario.mjs.
import crypto from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import {spawn} from 'node:child_process';

export class Shoald {
  constructor(program) {
    this.program = program;
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'shoal-foreign.'));
    this.port = this.admin_port = 0;
  }

  async start() {
    const args = ['--data-dir', `${this.folder}/data`, '--port', this.port, '--admin-port', this.admin_port];
    this.child = spawn(this.program, args.map(String), {stdio: ['ignore', 'pipe', 'ignore']});
    const ended = new Promise((resolve) => this.child.once('exit', (code, signal) => resolve(signal ?? code)));
    this.ended = ended;
    const ready = await new Promise((resolve, reject) => {
      let said = '';
      this.child.stdout.on('data', (bytes) => {
        said += bytes;
        const line = said.match(/^ready .*\n/m);
        if (line) resolve(line[0]);
      });
      ended.then((code) => reject(new Error(`shoald ended with ${code} before it was ready`)));
    });
    const field = (name) => ready.match(new RegExp(` ${name}=(\\S+)`))[1];
    this.port = Number(field('port'));
    this.admin_port = Number(field('admin_port'));
    this.operator = {id: field('operator_key'), secret: fs.readFileSync(field('operator_secret_file'), 'utf8').trim()};
    this.ca = fs.readFileSync(`${this.folder}/data/dev-cert.pem`);
  }

  async end(signal) {
    this.child.kill(signal);
    return this.ended;
  }

  async remove() {
    if (this.child && this.child.exitCode === null) await this.end('SIGKILL');
    fs.rmSync(this.folder, {recursive: true, force: true});
  }

  /// The JSON answer; throws if the call is refused.
  call(key, method, target, body) {
    const text = body === undefined ? '' : JSON.stringify(body);
    const [where, query = ''] = target.split('?');
    const hash = crypto.createHash('sha256').update(text).digest('hex');
    const [ts, nonce] = [Date.now(), crypto.randomBytes(16).toString('hex')];
    const to_sign = ['SHOAL1-REQUEST', method, where, query, hash, ts, nonce].join('\n');
    const sig = crypto.createHmac('sha256', key.secret).update(to_sign).digest('hex');
    const headers = {Authorization: `SHOAL1-HMAC-SHA256 key=${key.id},ts=${ts},nonce=${nonce},sig=${sig}`,
      'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text)};
    const options = {host: 'localhost', port: this.port, ca: this.ca, method, path: target, headers, agent: false};
    return new Promise((resolve, reject) => {
      const request = https.request(options, (answer) => {
        let said = '';
        answer.on('data', (bytes) => { said += bytes; });
        answer.on('end', () => answer.statusCode < 300 ? resolve(said ? JSON.parse(said) : {})
          : reject(new Error(`${method} ${target}: ${answer.statusCode} ${said}`)));
      });
      request.on('error', reject);
      request.end(text);
    });
  }
}
