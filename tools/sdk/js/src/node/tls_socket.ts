// shoal/1 straight on TLS: the shortest way, for Node.

import { isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Connect } from "../device/socket.js";

export interface TlsOptions {
  host: string;
  port: number;
  /** PEM of who signed the server's certificate; without it, those that Node trusts. */
  ca?: string | Uint8Array;
  /** The name that the certificate must have, if it is not the host's. */
  servername?: string;
}

export const nameToVerify = (x: TlsOptions): string | undefined => x.servername ?? (isIP(x.host) ? undefined : x.host);

/** Remembers the session ticket, so that connecting again costs less. */
export function tlsSocket(options: TlsOptions): Connect {
  let ticket: Uint8Array | undefined;
  return (events) => {
    const { host, port, ca } = options;
    let why = "the connection ended";
    const socket = connectTls({ host, port, ca, servername: nameToVerify(options), ALPNProtocols: ["shoal/1"], session: ticket });
    socket.on("session", (x) => { ticket = x; });
    socket.on("secureConnect", () => {
      if (socket.alpnProtocol === "shoal/1") return events.opened();
      why = "the server does not speak shoal/1";
      socket.destroy();
    });
    socket.on("data", (bytes) => events.received(bytes));
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
      send: (bytes) => { socket.write(bytes); },
      close: () => {
        socket.end(); // what was sent before still leaves
        last ??= setTimeout(() => socket.destroy(), 1_000);
      },
    };
  };
}
