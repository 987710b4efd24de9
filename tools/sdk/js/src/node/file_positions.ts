// Positions in one small file, written as a whole beside the old one and put in its place.

import { readFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { parsePosition, printPosition, type Position, type PositionStore } from "../device/positions.js";

export interface FileOptions {
  /** "process": survives the end of the process. "power": also a loss of power, at the price of an fsync per write. */
  durability?: "process" | "power";
}

/** Many saves share a write: while one is under way, the next gathers. */
export class FilePositions implements PositionStore {
  private readonly entries = new Map<string, string>();
  private writing: Promise<void> = Promise.resolve();
  private next: Promise<void> | undefined;

  /** Reads the file; a missing one is empty. Throws if it is there and is no such file. */
  constructor(private readonly path: string, private readonly options: FileOptions = {}) {
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (problem) {
      if ((problem as { code?: string }).code === "ENOENT") return;
      throw problem;
    }
    for (const [key, value] of Object.entries(JSON.parse(text) as Record<string, string>)) this.entries.set(key, value);
  }

  load(user: string, biz: string): Position | undefined {
    return parsePosition(this.entries.get(JSON.stringify([user, biz])));
  }

  save(user: string, biz: string, position: Position): Promise<void> {
    this.entries.set(JSON.stringify([user, biz]), printPosition(position));
    return this.write();
  }

  forget(user: string, biz: string): Promise<void> {
    this.entries.delete(JSON.stringify([user, biz]));
    return this.write();
  }

  private write(): Promise<void> {
    this.next ??= this.writing.catch(() => {}).then(() => {
      this.next = undefined;
      this.writing = this.replace(JSON.stringify(Object.fromEntries(this.entries)));
      return this.writing;
    });
    return this.next;
  }

  private async replace(text: string): Promise<void> {
    const fresh = `${this.path}.new`;
    const file = await open(fresh, "w");
    try {
      await file.writeFile(text);
      if (this.options.durability === "power") await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, this.path);
  }
}
