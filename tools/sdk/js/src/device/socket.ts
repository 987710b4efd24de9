// What a connection is made of, and the sockets of pages and mini-programs. Node's are in ../node.

export interface SocketEvents {
  opened(): void;
  /** Any number of bytes; where one delivery ends means nothing. */
  received(bytes: Uint8Array): void;
  /** Once, and nothing after it. */
  closed(why: string): void;
}

export interface Socket {
  send(bytes: Uint8Array): void;
  /** May be called at any time, more than once; `closed` follows if it had not come. */
  close(): void;
}

/** Begins to connect. Events come later, never from within the call. */
export type Connect = (events: SocketEvents) => Socket;

export const subprotocol = "shoal.1";

/** `url` is like "wss://sync.example.com/v1/device". */
export function webSocket(url: string, constructor: typeof WebSocket = globalThis.WebSocket): Connect {
  return (events) => {
    const socket = new constructor(url, subprotocol);
    socket.binaryType = "arraybuffer";
    let over = false;
    const end = (why: string): void => {
      if (over) return;
      over = true;
      events.closed(why);
    };
    socket.onopen = () => events.opened();
    socket.onmessage = ({ data }) => {
      if (over) return;
      if (data instanceof ArrayBuffer) events.received(new Uint8Array(data));
      else socket.close(); // text is not spoken
    };
    socket.onclose = ({ code, reason }) => end(reason || `the WebSocket ended with ${code}`);
    return {
      send: (bytes) => { if (socket.readyState === 1) socket.send(bytes); },
      close: () => {
        socket.close();
        // The handshake of closing may take long when the network is gone.
        Promise.resolve().then(() => end("closed"));
      },
    };
  };
}

/** What `wx.connectSocket`, `my.connectSocket` and their like give. */
export interface MiniProgramTask {
  onOpen(heard: () => void): void;
  onMessage(heard: (message: { data: ArrayBuffer | string }) => void): void;
  onClose(heard: (ended: { code?: number; reason?: string }) => void): void;
  onError(heard: (problem: { errMsg?: string }) => void): void;
  send(message: { data: ArrayBuffer }): void;
  close(options: object): void;
}

/** `miniProgramSocket(() => wx.connectSocket({ url, protocols: ["shoal.1"] }))` */
export function miniProgramSocket(connect: () => MiniProgramTask): Connect {
  return (events) => {
    const task = connect();
    let over = false;
    const end = (why: string): void => {
      if (over) return;
      over = true;
      events.closed(why);
    };
    task.onOpen(() => { if (!over) events.opened(); });
    task.onMessage(({ data }) => {
      if (over) return;
      if (typeof data === "string") task.close({});
      else events.received(new Uint8Array(data));
    });
    task.onClose(({ code, reason }) => end(reason || `the socket ended with ${code ?? "no code"}`));
    task.onError(({ errMsg }) => end(errMsg || "the socket failed"));
    return {
      send: (bytes) => { if (!over) task.send({ data: bytes.slice().buffer }); },
      close: () => {
        task.close({});
        Promise.resolve().then(() => end("closed"));
      },
    };
  };
}
