// Calls of business operations through the mobile gateway, signed, on request encrypted: as POST /mgw.htm, or on a device
// connection while one stands. protocol/mgw/README.md has the fields. Also the transport that generated clients
// (shoalctl gateway codegen) ask for.

import { hex, textOf, unbase64, utf8 } from "../wire/bytes.js";
import { seal, type EncryptionKey, type Sealed } from "./envelope.js";
import { GatewayError, noAnswer, type RawAnswer } from "./raw.js";
import { signature, type SignType } from "./sign.js";

export interface GatewayOptions {
  /** Like "https://gw.example.com/mgw.htm". Without it calls go on the device connection only. */
  url?: string;
  app: string;
  workspace: string;
  /** Signs every call. With `nonce`, so that it is good only once. */
  sign?: { type?: SignType; secret: string; nonce?: boolean };
  /** Encrypts every call and its answer. */
  encrypt?: EncryptionKey;
  /** More fields of a call: UserId, Did, SessionId, ClientOS, … */
  headers?: Record<string, string>;
  /** Used when a call names no deadline. The gateway hears of it, and stops working on what is late. */
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

/** A device connection that takes calls. Nothing if it stands not, is busy, or the call is too large for it. */
export interface CallCarrier {
  carry(operation: string, data: Uint8Array, headers: Record<string, string>,
    settings: { signal?: AbortSignal | undefined; deadlineMs: number }): Promise<RawAnswer> | undefined;
}

export interface MgwAnswer {
  resultStatus: number;
  tips?: string;
  result?: unknown;
}

export interface BatchCall {
  operation: string;
  /** As of `call`. */
  args?: unknown[] | object;
}

/** A call as generated clients make it: its arguments as they are sent. */
export interface MadeCall {
  readonly operationType: string;
  readonly requestData: string;
}

const success = 1000;
const callPath = "/mgw.htm";
const deadlineHeader = "X-Envoy-Expected-Rq-Timeout-Ms";
const longest = 2 ** 31 - 1;

/** An array goes out as positional arguments, an object as named ones. */
const written = (args: unknown[] | object = []): string => JSON.stringify(Array.isArray(args) ? args : [args]);

export class Gateway {
  constructor(private readonly options: GatewayOptions, private readonly carrier?: CallCarrier) {}

  /** Throws GatewayError unless it succeeds. */
  async call<Result = unknown>(operation: string, args: unknown[] | object = [], options: CallOptions = {}): Promise<Result> {
    const { answer, memo } = await this.exchange(operation, written(args), options);
    if (answer.resultStatus !== success) throw new GatewayError(answer.resultStatus, answer.tips ?? "", memo);
    return (answer.result ?? null) as Result;
  }

  /**
   * Up to 32 calls in one request, carried out side by side; how each ended, as of Promise.allSettled. Rejected only if the
   * request as a whole came to nothing. Goes by HTTP, not encrypted: on a device connection calls are many at a time anyway.
   */
  async batch(calls: BatchCall[], options: CallOptions = {}): Promise<PromiseSettledResult<unknown>[]> {
    const { url, encrypt } = this.options;
    if (!url?.endsWith(callPath)) throw new GatewayError(noAnswer, "", "a batch needs the gateway's URL, which ends in /mgw.htm");
    if (encrypt) throw new GatewayError(noAnswer, "", "a batch cannot be encrypted");
    const made = calls.map(({ operation, args }) => ({ operationType: operation, requestData: written(args) }));
    return (await this.exchangeBatch(url, made, options)).map((x) =>
      x.resultStatus === success
        ? { status: "fulfilled", value: x.result ?? null }
        : { status: "rejected", reason: new GatewayError(x.resultStatus, x.tips ?? "", x.memo) });
  }

  /** What generated clients call: any answer is an answer. */
  async send(operationType: string, requestData: string): Promise<MgwAnswer> {
    return (await this.exchange(operationType, requestData, {})).answer;
  }

  /** Several of them: in one request where a batch can go, else each for itself, side by side. */
  async sendBatch(calls: readonly MadeCall[]): Promise<MgwAnswer[]> {
    const { url, encrypt } = this.options;
    if (url?.endsWith(callPath) && !encrypt && calls.length > 0) return this.exchangeBatch(url, calls, {});
    return Promise.all(calls.map((x) => this.send(x.operationType, x.requestData)));
  }

  private async exchangeBatch(
    url: string, calls: readonly MadeCall[], options: CallOptions,
  ): Promise<(MgwAnswer & { memo?: string })[]> {
    const { app, workspace } = this.options;
    const crypto = this.options.crypto ?? globalThis.crypto;
    const signed = calls.map(({ operationType, requestData }) =>
      ({ operationType, requestData, ...this.signed(operationType, utf8(requestData), crypto) }));
    const headers = {
      AppId: app, WorkspaceId: workspace, "Content-Type": "application/json", ...this.stated(options), ...this.options.headers,
      ...options.headers,
    };
    const deadlineMs = this.deadline(options);
    const where = url.slice(0, -callPath.length) + "/mgw/batch";
    const raw = await this.post(where, utf8(JSON.stringify({ calls: signed })), headers, options.signal, deadlineMs);
    const answer = await read(raw, undefined);
    if (answer.resultStatus !== success) throw new GatewayError(answer.resultStatus, answer.tips ?? "", raw.memo);
    return (answer.result as { results: (MgwAnswer & { memo?: string })[] }).results;
  }

  private async exchange(operation: string, data: string, options: CallOptions): Promise<{ answer: MgwAnswer; memo: string }> {
    const { app, workspace, encrypt } = this.options;
    const { signal } = options;
    if (signal?.aborted) throw (signal as any).reason ?? new Error("aborted");
    const where = { operation, app, workspace };
    const crypto = this.options.crypto ?? globalThis.crypto;
    const sealed = encrypt ? await seal(encrypt, utf8(data), where, crypto) : undefined;
    const body = sealed?.envelope ?? utf8(data);
    const fields = { ...this.fields(operation, body, crypto), ...this.options.headers, ...options.headers };
    const deadlineMs = this.deadline(options);
    const carried = this.carrier?.carry(operation, body, fields, { signal, deadlineMs });
    const headers = { "Operation-Type": operation, AppId: app, WorkspaceId: workspace, ...this.stated(options), ...fields };
    const raw = await (carried ?? this.post(this.options.url, body, headers, signal, deadlineMs));
    return { answer: await read(raw, sealed), memo: raw.memo };
  }

  private async post(
    url: string | undefined, body: Uint8Array, headers: Record<string, string>, outer: AbortSignal | undefined, deadlineMs: number,
  ): Promise<RawAnswer> {
    if (!url) throw new GatewayError(noAnswer, "", "there is no connection for the call, and no URL");
    const { signal, done } = withDeadline(outer, deadlineMs);
    try {
      return await rawOf(await (this.options.fetch ?? fetch)(url, { method: "POST", headers, body, signal }));
    } finally {
      done();
    }
  }

  private deadline(options: CallOptions): number {
    return options.deadlineMs ?? this.options.deadlineMs ?? 30_000;
  }

  /** A deadline that somebody named, as HTTP says it. Our own is longer than an API's, so it would say nothing. */
  private stated(options: CallOptions): Record<string, string> {
    const ms = options.deadlineMs ?? this.options.deadlineMs;
    if (ms === undefined) return {};
    return { [deadlineHeader]: String(Math.min(Math.max(Math.ceil(ms), 1), longest)) };
  }

  /** What a call has beside operation, app and data, whatever way it goes. */
  private fields(operation: string, data: Uint8Array, crypto: Crypto): Record<string, string> {
    const { ts, nonce, signType, sign } = this.signed(operation, data, crypto);
    const out: Record<string, string> = { Version: "2.0", Ts: ts, "Content-Type": "application/json" };
    if (this.options.encrypt) out["Crypt"] = "ECC";
    if (nonce) out["Nonce"] = nonce;
    if (signType) out["SignType"] = signType;
    if (sign) out["Sign"] = sign;
    return out;
  }

  private signed(operation: string, data: Uint8Array, crypto: Crypto): { ts: string; nonce?: string; signType?: string; sign?: string } {
    const { sign, now = Date.now } = this.options;
    const ts = String(now());
    if (!sign) return { ts };
    const signType = sign.type ?? "HMACSHA256";
    const nonce = sign.nonce ? { nonce: hex(crypto.getRandomValues(new Uint8Array(16))) } : {};
    return { ts, ...nonce, signType, sign: signature(signType, sign.secret, { operation, data, ts, ...nonce }) };
  }
}

function withDeadline(outer: AbortSignal | undefined, ms: number): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort((outer as any)?.reason);
  const late = (): void => controller.abort(new GatewayError(noAnswer, "", "no answer before the deadline"));
  const timer = setTimeout(late, Math.min(ms, longest)); // more than that would be at once
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

async function rawOf(response: Response): Promise<RawAnswer> {
  const code = Number(response.headers.get("Result-Status") ?? NaN);
  const body = new Uint8Array(await response.arrayBuffer());
  if (!Number.isInteger(code))
    throw new GatewayError(noAnswer, "", `HTTP status ${response.status}, which is no answer of a gateway`);
  return { code, tips: decoded(response, "Tips"), memo: decoded(response, "Memo"), body, bare: code === success };
}

async function read(raw: RawAnswer, sealed: Sealed | undefined): Promise<MgwAnswer> {
  const { code } = raw;
  const answer: MgwAnswer = { resultStatus: code };
  if (raw.bare) {
    const clear = sealed && raw.body.length > 0 ? await sealed.open(raw.body) : raw.body;
    if (code === success || clear.length > 0) answer.result = parsed(textOf(clear));
    if (raw.tips) answer.tips = raw.tips;
    return answer;
  }
  const envelope = parsed(textOf(raw.body)) as { tips?: string; result?: unknown } | null;
  let result = typeof envelope === "object" ? envelope?.result : undefined;
  if (sealed && typeof result === "string") result = parsed(textOf(await sealed.open(unbase64(result))));
  const tips = raw.tips || envelope?.tips;
  if (tips) answer.tips = tips;
  if (result !== undefined) answer.result = result;
  return answer;
}
