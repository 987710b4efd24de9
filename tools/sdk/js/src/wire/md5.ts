// MD5 (RFC 1321), which only old gateways still ask for; WebCrypto has none.

const shifts = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
const sines = Uint32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32));

function mix(round: number, x: number, y: number, z: number): number {
  switch (round) {
    case 0: return (x & y) | (~x & z);
    case 1: return (x & z) | (y & ~z);
    case 2: return x ^ y ^ z;
    default: return y ^ (x | ~z);
  }
}
const wordOf = (round: number, i: number): number => [i, 5 * i + 1, 3 * i + 5, 7 * i][round]! % 16;

export function md5(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, (bytes.length << 3) >>> 0, true);
  view.setUint32(padded.length - 4, Math.floor(bytes.length / 2 ** 29), true);
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  for (let at = 0; at < padded.length; at += 64) {
    let [a, b, c, d] = state as unknown as [number, number, number, number];
    for (let i = 0; i < 64; i++) {
      const round = i >> 4;
      const sum = (a + mix(round, b, c, d) + sines[i]! + view.getUint32(at + 4 * wordOf(round, i), true)) >>> 0;
      const by = shifts[4 * round + (i & 3)]!;
      [a, d, c, b] = [d, c, b, (b + ((sum << by) | (sum >>> (32 - by)))) >>> 0];
    }
    [a, b, c, d].forEach((x, i) => { state[i] += x; });
  }
  const out = new DataView(new ArrayBuffer(16));
  state.forEach((x, i) => out.setUint32(4 * i, x, true));
  return new Uint8Array(out.buffer);
}
