// What the files of this folder use of Node, so that the package builds without @types/node.

declare module "node:tls" {
  interface TLSSocket {
    on(event: "secureConnect" | "end", heard: () => void): this;
    on(event: "close", heard: (failed: boolean) => void): this;
    on(event: "data" | "session", heard: (bytes: Uint8Array) => void): this;
    on(event: "error", heard: (problem: Error) => void): this;
    write(bytes: Uint8Array | string): boolean;
    end(): void;
    destroy(): void;
    readonly alpnProtocol: string | false | null;
  }
  export function connect(options: {
    host: string; port: number; servername?: string | undefined; ca?: string | Uint8Array | undefined;
    ALPNProtocols: string[]; session?: Uint8Array | undefined; rejectUnauthorized?: boolean | undefined;
  }): TLSSocket;
}

declare module "node:net" {
  export function isIP(text: string): number;
}

declare module "node:crypto" {
  export const webcrypto: Crypto;
  export function createHash(kind: "sha1"): { update(text: string): { digest(as: "base64"): string } };
}

declare module "node:fs" {
  export function readFileSync(path: string, encoding: "utf8"): string;
}

declare module "node:fs/promises" {
  interface FileHandle {
    writeFile(text: string): Promise<void>;
    sync(): Promise<void>;
    close(): Promise<void>;
  }
  export function open(path: string, flags: string): Promise<FileHandle>;
  export function rename(from: string, to: string): Promise<void>;
}
