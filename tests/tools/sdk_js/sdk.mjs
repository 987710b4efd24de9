// Where the built package is, and what several tests need.
import path from 'node:path';
import {pathToFileURL} from 'node:url';

const dist = process.env.SHOAL_SDK_JS;
if (!dist) throw new Error('SHOAL_SDK_JS must name the folder that tsc wrote');

export const sdk = (file) => import(pathToFileURL(path.resolve(dist, file)));
export const hex = (bytes) => Buffer.from(bytes).toString('hex');
export const bytes = (text) => Uint8Array.from(Buffer.from(text, 'hex'));

/// Lets everything run that waits for nothing but promises.
export const settle = () => new Promise((resolve) => setImmediate(resolve));

/// Time that moves when told to.
export class FakeClock {
  time = 1_760_000_000_000;
  timers = new Set();
  now() { return this.time; }
  after(ms, what) {
    const timer = {due: this.time + ms, what, cancel: () => this.timers.delete(timer)};
    this.timers.add(timer);
    return timer;
  }
  async advance(ms) {
    const end = this.time + ms;
    for (;;) {
      const next = [...this.timers].filter((x) => x.due <= end).sort((x, y) => x.due - y.due)[0];
      if (!next) break;
      this.time = Math.max(this.time, next.due);
      next.cancel();
      next.what();
      await settle();
    }
    this.time = end;
    await settle();
  }
}
