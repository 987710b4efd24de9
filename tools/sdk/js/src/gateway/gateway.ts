// Calls of business operations through the mobile gateway, over HTTP: POST /mgw.htm, signed, on request encrypted.
// protocol/mgw/README.md has the fields. Also the transport that generated clients (shoalctl gateway codegen) ask for.

import { hex, textOf, unbase64, utf8 } from "../wire/bytes.js";
import { seal, type EncryptionKey, type Sealed } from "./envelope.js";
import { signature, type SignType } from "./sign.js";

export interface GatewayOptions {
  /** Like "https://gw.example.com/mgw.htm". */
  url: string;
  app: string;
  workspace: string;
  /** Signs every call. With `nonce`, so that it is good only once. */
  sign?: { type?: SignType; secret: string; nonce?: boolean };
  /** Encrypts every call and its answer. */
  encrypt?: EncryptionKey;
  /** More fields of a call: UserId, Did, SessionId, ClientOS, … */
  headers?: Record<string, string>;
  /** Used when a call names no deadline. */
  deadlineMs?: number;
  fetch?: typeof fetch;
  crypto?: Crypto;
  now?: () => number;
}

export interface CallOptions {
  signal?: AbortSignal;
  /** Milliseconds from now. */
  deadlineMs?: number;
  headers?: Record<string, string>;
}

export interface MgwAnswer {
  resultStatus: number;
  tips?: string;
  result?: unknown;
}

/** Every answer but success. `tips` are for people, `memo` is for developers. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  constructor(readonly resultStatus: number, readonly tips: string, readonly memo = "") {
    super(`${resultStatus}: ${tips || memo}`);
  }
}

/** Results of our own: no answer came. They stand where the gateway's own codes have nothing. */
export const noAnswer = 4001;

const success = 1000;

export class Gateway {
  constructor(private readonly options: GatewayOptions) {}

  /** An array goes out as positional arguments, an object as named ones. Throws GatewayError unless it succeeds. */
  async call<Result = unknown>(operation: string, args: unknown[] | object = [], options: CallOptions = {}): Promise<Result> {
    const data = JSON.stringify(Array.isArray(args) ? args : [args]);
    const { answer, memo } = await this.exchange(operation, data, options);
    if (answer.resultStatus !== success) throw new GatewayError(answer.resultStatus, answer.tips ?? "", memo);
    return (answer.result ?? null) as Result;
  }

  /** What generated clients call: any answer is an answer. */
  async send(operationType: string, requestData: string): Promise<MgwAnswer> {
    return (await this.exchange(operationType, requestData, {})).answer;
  }

  private async exchange(operation: string, data: string, options: CallOptions): Promise<{ answer: MgwAnswer; memo: string }> {
    const { app, workspace, encrypt, url } = this.options;
    if (options.signal?.aborted) throw (options.signal as any).reason ?? new Error("aborted");
    const where = { operation, app, workspace };
    const crypto = this.options.crypto ?? globalThis.crypto;
    const sealed = encrypt ? await seal(encrypt, utf8(data), where, crypto) : undefined;
    const body = sealed?.envelope ?? utf8(data);
    const headers = { ...this.head(operation, body, crypto), ...this.options.headers, ...options.headers };
    const { signal, done } = withDeadline(options.signal, options.deadlineMs ?? this.options.deadlineMs ?? 30_000);
    try {
      const response = await (this.options.fetch ?? fetch)(url, { method: "POST", headers, body, signal });
      return await read(response, sealed);
    } finally {
      done();
    }
  }

  private head(operation: string, data: Uint8Array, crypto: Crypto): Record<string, string> {
    const { app, workspace, sign, encrypt, now = Date.now } = this.options;
    const ts = String(now());
    const out: Record<string, string> = {
      "Operation-Type": operation, AppId: app, WorkspaceId: workspace, Version: "2.0", Ts: ts,
      "Content-Type": "application/json",
    };
    if (encrypt) out["Crypt"] = "ECC";
    if (!sign) return out;
    const type = sign.type ?? "HMACSHA256";
    const nonce = sign.nonce ? hex(crypto.getRandomValues(new Uint8Array(16))) : undefined;
    if (nonce) out["Nonce"] = nonce;
    out["SignType"] = type;
    out["Sign"] = signature(type, sign.secret, nonce ? { operation, data, ts, nonce } : { operation, data, ts });
    return out;
  }
}

function withDeadline(outer: AbortSignal | undefined, ms: number): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort((outer as any)?.reason);
  const late = (): void => controller.abort(new GatewayError(noAnswer, "", "no answer before the deadline"));
  const timer = setTimeout(late, ms);
  if (outer?.aborted) abort();
  outer?.addEventListener("abort", abort);
  return {
    signal: controller.signal,
    done: () => {
      clearTimeout(timer);
      outer?.removeEventListener("abort", abort);
    },
  };
}

const decoded = (response: Response, name: string): string => {
  const text = response.headers.get(name) ?? "";
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

function parsed(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return text; // an API may answer with any text
  }
}

async function read(response: Response, sealed: Sealed | undefined): Promise<{ answer: MgwAnswer; memo: string }> {
  const status = Number(response.headers.get("Result-Status") ?? NaN);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (!Number.isInteger(status))
    throw new GatewayError(noAnswer, "", `HTTP status ${response.status}, which is no answer of a gateway`);
  const memo = decoded(response, "Memo");
  const tips = decoded(response, "Tips");
  if (status === success) {
    const clear = sealed ? await sealed.open(bytes) : bytes;
    return { answer: { resultStatus: status, result: parsed(textOf(clear)) }, memo };
  }
  const envelope = parsed(textOf(bytes)) as { tips?: string; result?: unknown } | null;
  let result = typeof envelope === "object" ? envelope?.result : undefined;
  if (sealed && typeof result === "string") result = parsed(textOf(await sealed.open(unbase64(result))));
  const answer: MgwAnswer = { resultStatus: status };
  if (tips || envelope?.tips) answer.tips = tips || envelope!.tips!;
  if (result !== undefined) answer.result = result;
  return { answer, memo };
}
