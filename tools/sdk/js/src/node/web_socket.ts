// A WebSocket client (RFC 6455) for Node, whose own came only with version 22: for networks that let nothing else pass,
// and to test what pages do.

import { createHash, webcrypto } from "node:crypto";
import { connect as connectTls } from "node:tls";
import { subprotocol, type Connect } from "../device/socket.js";
import { base64, concat, textOf } from "../wire/bytes.js";
import { maxServerFrame } from "../wire/frame.js";
import { nameToVerify, type TlsOptions } from "./tls_socket.js";

const keySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455, 1.3
const opcodes = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const longestHead = 16 * 1024;
const longestMessage = maxServerFrame + 4;

/** One whole frame of a client: always masked. */
export function maskedFrame(opcode: number, payload: Uint8Array, mask: Uint8Array): Uint8Array {
  const n = payload.length;
  const size = n < 126 ? [n] : n < 65_536 ? [126, n >> 8, n & 255] : [127, 0, 0, 0, 0, n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255];
  size[0]! |= 0x80;
  return concat(Uint8Array.of(0x80 | opcode, ...size), mask, payload.map((x, i) => x ^ mask[i & 3]!));
}

export interface WsFrame {
  opcode: number;
  last: boolean;
  payload: Uint8Array;
}

/** Takes the next frame of a server off the front; nothing if it is not whole. Throws on what no server may send. */
export function takeFrame(bytes: Uint8Array): { frame: WsFrame; rest: Uint8Array } | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 127;
  const more = short === 126 ? 2 : short === 127 ? 8 : 0;
  if ((bytes[0]! & 0x70) !== 0 || (bytes[1]! & 0x80) !== 0) throw new Error("not a frame of a server");
  if (bytes.length < 2 + more) return undefined;
  let size = more === 0 ? short : 0;
  for (const x of bytes.subarray(2, 2 + more)) size = size * 256 + x;
  if (size > longestMessage) throw new Error("a frame is too large");
  const end = 2 + more + size;
  if (bytes.length < end) return undefined;
  const frame = { opcode: bytes[0]! & 15, last: bytes[0]! >= 128, payload: bytes.slice(2 + more, end) };
  return { frame, rest: bytes.subarray(end) };
}

const random = (size: number): Uint8Array => webcrypto.getRandomValues(new Uint8Array(size));

/** Length of the head with its empty line; 0 if it is not whole. */
function headSize(bytes: Uint8Array): number {
  for (let i = 3; i < bytes.length; i++)
    if (bytes[i] === 10 && bytes[i - 1] === 13 && bytes[i - 2] === 10 && bytes[i - 3] === 13) return i + 1;
  if (bytes.length > longestHead) throw new Error("the answer's head is too large");
  return 0;
}

function checkUpgrade(head: string, key: string): void {
  const accept = createHash("sha1").update(key + keySuffix).digest("base64");
  if (!/^HTTP\/1\.1 101 /.test(head)) throw new Error(`no WebSocket: ${head.slice(0, head.indexOf("\r\n"))}`);
  const field = (name: string): string | undefined => new RegExp(`^${name}:[ \t]*(.*?)[ \t]*\r$`, "im").exec(head)?.[1];
  if (field("Sec-WebSocket-Accept") !== accept) throw new Error("the answer belongs to another request");
  if (field("Sec-WebSocket-Protocol") !== subprotocol) throw new Error("the server speaks another protocol");
}

export interface NodeWebSocketOptions extends TlsOptions {
  path?: string;
}

export function nodeWebSocket(options: NodeWebSocketOptions): Connect {
  let ticket: Uint8Array | undefined;
  return (events) => {
    const { host, port, ca, path = "/v1/device" } = options;
    const socket = connectTls({ host, port, ca, servername: nameToVerify(options), ALPNProtocols: ["http/1.1"], session: ticket });
    const key = base64(random(16));
    let why = "the connection ended";
    let input = new Uint8Array();
    let message = new Uint8Array();
    let isOpen = false;

    const write = (opcode: number, payload: Uint8Array): void => { socket.write(maskedFrame(opcode, payload, random(4))); };
    const heard = ({ opcode, last, payload }: WsFrame): void => {
      if (opcode === opcodes.ping) return write(opcodes.pong, payload);
      if (opcode === opcodes.close) {
        if (payload.length > 2) why = textOf(payload.subarray(2));
        write(opcodes.close, payload.subarray(0, 2));
        return socket.end();
      }
      if (opcode !== opcodes.binary && opcode !== opcodes.more) return;
      if (message.length + payload.length > longestMessage) throw new Error("a message is too large");
      message = concat(message, payload);
      if (!last) return;
      events.received(message);
      message = new Uint8Array();
    };
    const upgrade = (): void => {
      const size = headSize(input);
      if (size === 0) return;
      checkUpgrade(textOf(input.subarray(0, size)), key);
      input = input.slice(size);
      isOpen = true;
      events.opened();
    };

    socket.on("session", (x) => { ticket = x; });
    socket.on("secureConnect", () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`);
    });
    socket.on("data", (bytes) => {
      try {
        input = concat(input, bytes);
        if (!isOpen) upgrade();
        for (let x = isOpen ? takeFrame(input) : undefined; x; x = takeFrame(input)) {
          input = x.rest.slice();
          heard(x.frame);
        }
      } catch (problem) {
        why = (problem as Error).message;
        socket.destroy();
      }
    });
    socket.on("end", () => socket.end());
    socket.on("error", (problem) => {
      why = problem.message;
      ticket = undefined;
    });
    let last: ReturnType<typeof setTimeout> | undefined;
    socket.on("close", () => {
      clearTimeout(last);
      events.closed(why);
    });
    return {
      send: (bytes) => write(opcodes.binary, bytes),
      close: () => {
        if (isOpen) write(opcodes.close, Uint8Array.of(3, 232)); // 1000
        socket.end();
        last ??= setTimeout(() => socket.destroy(), 1_000);
      },
    };
  };
}
