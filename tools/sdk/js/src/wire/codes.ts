// The protocol's numbered codes that a client looks at, and what the thousands of any code advise.

export const codes = {
  clockSkew: 1003,
  nonceReplayed: 1004,
  sessionLost: 1005,
  verifierUnavailable: 2006,
  badPosition: 3001,
  badToken: 4013,
  tokenExpired: 4014,
} as const;

export type Advice = "again" | "later" | "resync" | "stop";

/** Holds also for numbers that this version does not know. */
export function adviceOf(code: number): Advice {
  if (code < 2000) return "again";
  if (code < 3000) return "later";
  return code < 4000 ? "resync" : "stop";
}
