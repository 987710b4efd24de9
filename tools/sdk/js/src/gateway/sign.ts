// The signature of a gateway call: protocol/mgw/README.md, "Signature".

import { base64, concat, hex, utf8 } from "../wire/bytes.js";
import { md5 } from "../wire/md5.js";
import { hmacSha256 } from "../wire/sha256.js";

export type SignType = "HMACSHA256" | "MD5";

export interface Signable {
  operation: string;
  /** requestData as it is sent; of an encrypted call the envelope. */
  data: Uint8Array;
  ts: string;
  nonce?: string;
}

export function signature(type: SignType, secret: string, x: Signable): string {
  const nonce = x.nonce ? `&Nonce=${x.nonce}` : "";
  const text = utf8(`Operation-Type=${x.operation}&Request-Data=${base64(x.data)}&Ts=${x.ts}${nonce}`);
  return hex(type === "MD5" ? md5(concat(text, utf8(secret))) : hmacSha256(utf8(secret), text));
}
