// Where positions are kept. A position says: everything up to `id` of history `epoch` is handled.

export interface Position {
  readonly epoch: bigint;
  readonly id: bigint;
}

/**
 * Positions of (user, biz); `user` is empty while nobody is bound. Asked when a biz is subscribed, told after each op
 * that was handled. An op is acknowledged after the promise of its `save` has resolved, so resolve when it is as
 * durable as you need it. For "exactly once in effect" keep positions in the database that the ops change.
 */
export interface PositionStore {
  load(user: string, biz: string): Position | undefined | Promise<Position | undefined>;
  save(user: string, biz: string, position: Position): void | Promise<void>;
  forget(user: string, biz: string): void | Promise<void>;
}

const keyOf = (user: string, biz: string): string => JSON.stringify([user, biz]);

export const printPosition = (x: Position): string => `${x.epoch}:${x.id}`;

/** Nothing for a text that is no position: better to begin again than to believe half of one. */
export function parsePosition(text: string | null | undefined): Position | undefined {
  const parts = /^(\d{1,20}):(\d{1,20})$/.exec(text ?? "");
  return parts ? { epoch: BigInt(parts[1]!), id: BigInt(parts[2]!) } : undefined;
}

/** For tests, and for apps that reload everything at their start. */
export class MemoryPositions implements PositionStore {
  private readonly entries = new Map<string, Position>();
  load(user: string, biz: string): Position | undefined { return this.entries.get(keyOf(user, biz)); }
  save(user: string, biz: string, position: Position): void { this.entries.set(keyOf(user, biz), position); }
  forget(user: string, biz: string): void { this.entries.delete(keyOf(user, biz)); }
}

/** The part of `localStorage` that is needed; a mini-program's storage is three lines away from it. */
export interface KeyedStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** In `localStorage`, or what looks like it. Two pages of one origin need two prefixes, and two device ids. */
export class WebPositions implements PositionStore {
  constructor(
    private readonly prefix = "shoal.position.",
    private readonly storage: KeyedStorage = (globalThis as any).localStorage,
  ) {}
  load(user: string, biz: string): Position | undefined {
    return parsePosition(this.storage.getItem(this.prefix + keyOf(user, biz)));
  }
  save(user: string, biz: string, position: Position): void {
    this.storage.setItem(this.prefix + keyOf(user, biz), printPosition(position));
  }
  forget(user: string, biz: string): void { this.storage.removeItem(this.prefix + keyOf(user, biz)); }
}

/** In IndexedDB: for workers, which have no localStorage, and for pages that hold much beside. */
export class IndexedDbPositions implements PositionStore {
  private database: Promise<IDBDatabase> | undefined;

  constructor(private readonly name = "shoal") {}

  async load(user: string, biz: string): Promise<Position | undefined> {
    return parsePosition((await this.run("readonly", (x) => x.get(keyOf(user, biz)))) as string | undefined);
  }
  async save(user: string, biz: string, position: Position): Promise<void> {
    await this.run("readwrite", (x) => x.put(printPosition(position), keyOf(user, biz)));
  }
  async forget(user: string, biz: string): Promise<void> {
    await this.run("readwrite", (x) => x.delete(keyOf(user, biz)));
  }

  private open(): Promise<IDBDatabase> {
    this.database ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(this.name, 1);
      request.onupgradeneeded = () => { request.result.createObjectStore("positions"); };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => { this.database = undefined; reject(request.error); };
    });
    return this.database;
  }

  /** Resolves when the transaction is committed, not when the request is. */
  private async run(mode: IDBTransactionMode, what: (x: IDBObjectStore) => IDBRequest): Promise<unknown> {
    const transaction = (await this.open()).transaction("positions", mode);
    const request = what(transaction.objectStore("positions"));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
  }
}
