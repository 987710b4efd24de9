// What a call brings back, whatever way it went.

/** Every answer but success. `tips` are for people, `memo` is for developers. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  constructor(readonly resultStatus: number, readonly tips: string, readonly memo = "") {
    super(`${resultStatus}: ${tips || memo}`);
  }
}

/** The gateway's "the backend did not answer": stands also for a gateway that did not. */
export const noAnswer = 4001;

export interface RawAnswer {
  code: number;
  tips: string;
  memo: string;
  body: Uint8Array;
  /** The body is the result alone, also beside a code that is no success; else the envelope that HTTP has then. */
  bare: boolean;
}
