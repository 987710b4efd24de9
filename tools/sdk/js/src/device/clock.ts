// Time as the client sees it, so that tests can move it.

export interface Clock {
  /** Unix time in milliseconds. */
  now(): number;
  after(ms: number, what: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, what) {
    const id = setTimeout(what, ms);
    return { cancel: () => clearTimeout(id) };
  },
};
