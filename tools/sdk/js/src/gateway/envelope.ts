// Calls that only the gateway can read: ECDH on P-256, AES-256-GCM. protocol/mgw/README.md, "Encryption". Uses WebCrypto,
// so in browsers it needs a page that came over TLS (or from localhost).

import { concat, unbase64, utf8 } from "../wire/bytes.js";

const version = 1, wrapEcc = 2, cipherAes = 1;
const nonceSize = 12, tagSize = 16, pointSize = 65;

export interface EncryptionKey {
  /** The server's public key on P-256: PEM ("BEGIN PUBLIC KEY"), or the 65 bytes of the point. */
  publicKey: string | Uint8Array;
  /** Its number. */
  number: number;
}

/** What is authenticated without being sent: an envelope of one call opens in no other. */
export interface Where {
  operation: string;
  app: string;
  workspace: string;
}

export interface Sealed {
  envelope: Uint8Array;
  /** Throws if the answer does not belong to this call. */
  open(answer: Uint8Array): Promise<Uint8Array>;
}

const curve = { name: "ECDH", namedCurve: "P-256" };

function pointOf(key: string | Uint8Array): Uint8Array {
  // In a SubjectPublicKeyInfo of P-256 the point is what comes last.
  const bytes = typeof key === "string" ? unbase64(key.replace(/-----[^-]+-----|\s/g, "")) : key;
  return bytes.slice(-pointSize);
}

function known(direction: "request" | "response", where: Where, head: Uint8Array): Uint8Array {
  const parts = [utf8(where.operation), utf8(where.app), utf8(where.workspace), head];
  return concat(utf8(direction), ...parts.map((x) => concat(Uint8Array.of(x.length >> 8, x.length & 255), x)));
}

export async function seal(key: EncryptionKey, data: Uint8Array, where: Where, crypto: Crypto): Promise<Sealed> {
  const { subtle } = crypto;
  if (!subtle) throw new Error("encryption needs WebCrypto, which pages have only over TLS");
  const server = await subtle.importKey("raw", pointOf(key.publicKey), curve, false, []);
  const mine = await subtle.generateKey(curve, true, ["deriveBits"]) as CryptoKeyPair;
  const wrapped = new Uint8Array(await subtle.exportKey("raw", mine.publicKey!));
  const secret = await subtle.deriveBits({ name: "ECDH", public: server }, mine.privateKey!, 256);
  const base = await subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const info = concat(utf8("SHOAL1-MGW"), Uint8Array.of(wrapEcc, cipherAes));
  const keys = new Uint8Array(await subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt: wrapped, info }, base, 512));
  const aes = (bytes: Uint8Array, use: "encrypt" | "decrypt"): Promise<CryptoKey> =>
    subtle.importKey("raw", bytes, "AES-GCM", false, [use]);
  const [out, back] = [await aes(keys.slice(0, 32), "encrypt"), await aes(keys.slice(32), "decrypt")];
  const head = concat(Uint8Array.of(version, wrapEcc, cipherAes, key.number, wrapped.length >> 8, wrapped.length & 255), wrapped);
  const nonce = crypto.getRandomValues(new Uint8Array(nonceSize));
  const sealed = await subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: known("request", where, head) }, out, data);
  return {
    envelope: concat(head, nonce, new Uint8Array(sealed)),
    async open(answer) {
      const begin = answer.slice(0, 2);
      if (answer.length < 2 + nonceSize + tagSize || begin[0] !== version || begin[1] !== cipherAes)
        throw new Error("the answer is not encrypted as the call was");
      const iv = answer.slice(2, 2 + nonceSize);
      const additionalData = known("response", where, begin);
      return new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv, additionalData }, back, answer.slice(2 + nonceSize)));
    },
  };
}
