// SHA-256 and HMAC (FIPS 180-4, RFC 2104) in plain code: WebCrypto is asynchronous and missing where signatures are
// needed most, in mini-programs and on pages without TLS.

import { concat } from "./bytes.js";

const block = 64;

const primes = (count: number): number[] => {
  const out: number[] = [];
  for (let x = 2; out.length < count; x++) if (out.every((p) => x % p !== 0)) out.push(x);
  return out;
};
const fraction = (x: number): number => ((x - Math.floor(x)) * 2 ** 32) >>> 0;
const constants = Uint32Array.from(primes(64), (p) => fraction(Math.cbrt(p)));
const initial = Uint32Array.from(primes(8), (p) => fraction(Math.sqrt(p)));

const turn = (x: number, n: number): number => (x >>> n) | (x << (32 - n));

function compress(state: Uint32Array, words: Uint32Array): void {
  for (let i = 16; i < 64; i++) {
    const [x, y] = [words[i - 15]!, words[i - 2]!];
    const small0 = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
    const small1 = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
    words[i] = words[i - 16]! + small0 + words[i - 7]! + small1;
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
  for (let i = 0; i < 64; i++) {
    const big1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
    const first = (h + big1 + ((e & f) ^ (~e & g)) + constants[i]! + words[i]!) >>> 0;
    const big0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
    const second = (big0 + ((a & b) ^ (a & c) ^ (b & c))) >>> 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) >>> 0, c, b, a, (first + second) >>> 0];
  }
  [a, b, c, d, e, f, g, h].forEach((x, i) => { state[i] += x; });
}

export function sha256(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / block) * block);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(padded.length - 4, (bytes.length << 3) >>> 0);
  const state = initial.slice();
  const words = new Uint32Array(64);
  for (let at = 0; at < padded.length; at += block) {
    for (let i = 0; i < 16; i++) words[i] = view.getUint32(at + 4 * i);
    compress(state, words);
  }
  const out = new DataView(new ArrayBuffer(32));
  state.forEach((x, i) => out.setUint32(4 * i, x));
  return new Uint8Array(out.buffer);
}

export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(block);
  padded.set(key.length > block ? sha256(key) : key);
  const inner = sha256(concat(padded.map((x) => x ^ 0x36), bytes));
  return sha256(concat(padded.map((x) => x ^ 0x5c), inner));
}
