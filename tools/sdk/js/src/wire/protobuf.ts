// The part of protobuf that the device protocol needs: a message is a table of its fields.

import { concat, textOf, utf8 } from "./bytes.js";

export type Kind = "u32" | "u64" | "bool" | "string" | "bytes" | "map";
export type Type = Kind | Schema | readonly [Kind | Schema];
export type Schema = { readonly [field: string]: readonly [number: number, type: Type] };

type ValueOf<T> =
  T extends "u32" ? number :
  T extends "u64" ? bigint :
  T extends "bool" ? boolean :
  T extends "string" ? string :
  T extends "bytes" ? Uint8Array :
  T extends "map" ? Record<string, string> :
  T extends readonly [infer Item] ? ValueOf<Item>[] :
  T extends Schema ? Message<T> :
  never;

type FieldOf<T> = T extends Schema ? ValueOf<T> | undefined : ValueOf<T>;

/** A decoded message: every field is there; a message field that was not sent is undefined. */
export type Message<S extends Schema> = { [F in keyof S]: FieldOf<S[F][1]> };

const pair = { key: [1, "string"], value: [2, "string"] } as const;
const list = (type: Type): type is readonly [Kind | Schema] => Array.isArray(type);

function varint(value: number | bigint): Uint8Array {
  const out: number[] = [];
  let x = BigInt.asUintN(64, BigInt(value));
  for (; x > 127n; x >>= 7n) out.push(Number(x & 127n) | 128);
  out.push(Number(x));
  return Uint8Array.from(out);
}

function field(number: number, type: Kind | Schema, value: any): Uint8Array {
  if (type === "u32" || type === "u64" || type === "bool")
    return concat(varint(number << 3), varint(value === true ? 1 : value));
  const body = typeof type === "object" ? encode(type, value) : typeof value === "string" ? utf8(value) : value;
  return concat(varint((number << 3) | 2), varint(body.length), body);
}

const isDefault = (value: any): boolean => value === 0 || value === 0n || value === false || value?.length === 0;

/** Fields that are missing or have their default stay away, as proto3 wants it. */
export function encode<S extends Schema>(schema: S, message: Partial<Message<S>>): Uint8Array {
  const out: Uint8Array[] = [];
  for (const [name, [number, type]] of Object.entries(schema)) {
    const value: any = (message as any)[name];
    if (value === undefined) continue;
    if (list(type)) for (const x of value) out.push(field(number, type[0], x));
    else if (type === "map") for (const [key, x] of Object.entries(value)) out.push(field(number, pair, { key, value: x }));
    else if (typeof type === "object" || !isDefault(value)) out.push(field(number, type, value));
  }
  return concat(...out);
}

function empty(type: Type): unknown {
  if (list(type)) return [];
  switch (type) {
    case "u32": return 0;
    case "u64": return 0n;
    case "bool": return false;
    case "string": return "";
    case "bytes": return new Uint8Array();
    case "map": return {};
    default: return undefined;
  }
}

function valueOf(type: Kind | Schema, raw: bigint | Uint8Array): unknown {
  const number = typeof raw === "bigint";
  if (number !== (type === "u32" || type === "u64" || type === "bool")) throw new Error("protobuf: wrong wire type");
  if (number) return type === "u64" ? raw : type === "bool" ? raw !== 0n : Number(BigInt.asUintN(32, raw));
  if (typeof type === "object") return decode(type, raw);
  return type === "string" ? textOf(raw) : raw.slice();
}

/** Throws on bytes that are no such message; unknown fields of a newer server are passed over. */
export function decode<S extends Schema>(schema: S, bytes: Uint8Array): Message<S> {
  let at = 0;
  const takeVarint = (): bigint => {
    let out = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      out |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, out);
    }
    throw new Error("protobuf: bad varint");
  };
  const take = (size: bigint): Uint8Array => {
    if (size > BigInt(bytes.length - at)) throw new Error("protobuf: too short");
    return bytes.subarray(at, (at += Number(size)));
  };
  const known = new Map(Object.entries(schema).map(([name, [number, type]]) => [number, { name, type }]));
  const out: any = {};
  for (const [name, [, type]] of Object.entries(schema)) out[name] = empty(type);
  while (at < bytes.length) {
    const tag = Number(takeVarint());
    const wire = tag & 7;
    if (wire !== 0 && wire !== 1 && wire !== 2 && wire !== 5) throw new Error("protobuf: bad wire type");
    const raw = wire === 0 ? takeVarint() : take(wire === 1 ? 8n : wire === 5 ? 4n : takeVarint());
    const x = known.get(tag >>> 3);
    if (!x) continue;
    if (list(x.type)) out[x.name].push(valueOf(x.type[0], raw));
    else if (x.type === "map") {
      const entry = valueOf(pair, raw) as { key: string; value: string };
      out[x.name][entry.key] = entry.value;
    } else out[x.name] = valueOf(x.type, raw);
  }
  return out;
}
