import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable, Writable } from 'node:stream';
import type { ObjectShape } from '../api/request-schema.ts';

/** What a handler is given. Path parameters are percent-decoded. */
export interface RequestContext {
  readonly req: IncomingMessage;
  readonly method: string;
  /** without version prefix and query */
  readonly path: string;
  readonly params: Record<string, string>;
  readonly query: URLSearchParams;
  /** as "1.41"; the newest when the path named none */
  readonly apiVersion: string;
  /** aborted when the client goes away before the answer has ended */
  readonly signal: AbortSignal;
  /** Reads and parses the JSON body; `{}` when empty and `optional`. Throws `invalid-parameter` with Docker's words. */
  json<T>(options?: JsonOptions): Promise<T>;
}

export interface JsonOptions {
  /** an empty body is `{}` */
  optional?: boolean;
  /** the Go type dockerd names when the body is no object; `null` is handed over then, as Go does */
  type?: string;
  /** what the body is read as: names without regard to case, unknown ones dropped, other types refused */
  shape?: ObjectShape;
}

/** A client's end of a taken-over connection (attach, exec start). `readable` ends when the client closes its stdin. */
export interface Hijacked {
  readonly readable: Readable;
  readonly writable: Writable;
  readonly signal: AbortSignal;
}

/**
 * How a handler answers:
 * - `json`/`empty`: at once;
 * - `stream`: status and headers go out with the first byte, or with `sink.start()`; a failure before that is an ordinary error
 *   answer, a failure after it cuts the connection;
 * - `hijack`: 101 when the client asked to upgrade, else 200; then both directions belong to `run`. Only from routes added by
 *   `takeOver`;
 * - `websocket`: the same over a WebSocket, in binary frames or, for old clients, in text frames.
 */
export type Reply =
  | { kind: 'json'; status: number; body: unknown; headers?: Record<string, string> }
  | { kind: 'empty'; status: number; headers?: Record<string, string> }
  | { kind: 'stream'; contentType: string; headers?: Record<string, string>; run: (sink: StreamSink) => Promise<void> }
  | { kind: 'hijack'; contentType: string; run: (connection: Hijacked) => Promise<void> }
  | { kind: 'websocket'; binary: boolean; run: (connection: Hijacked) => Promise<void> };

export interface StreamSink {
  readonly signal: AbortSignal;
  /** Sends the head now (a client of a quiet stream waits for it). */
  start(): void;
  /** Resolves when the chunk may be followed by another (back-pressure). */
  write(chunk: Uint8Array | string): Promise<void>;
  /** One JSON value and a newline. */
  line(value: unknown): Promise<void>;
  /** For piping. */
  readonly writable: Writable;
}

export const json = (body: unknown, status = 200, headers?: Record<string, string>): Reply => ({
  kind: 'json',
  status,
  body,
  headers,
});
export const empty = (status = 204, headers?: Record<string, string>): Reply => ({ kind: 'empty', status, headers });
export const stream = (
  contentType: string,
  run: (sink: StreamSink) => Promise<void>,
  headers?: Record<string, string>,
): Reply => ({ kind: 'stream', contentType, run, headers });
export const hijack = (contentType: string, run: (connection: Hijacked) => Promise<void>): Reply => ({
  kind: 'hijack',
  contentType,
  run,
});

export type Handler = (ctx: RequestContext) => Promise<Reply> | Reply;
export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';

interface Route {
  method: Method;
  pattern: RegExp;
  names: string[];
  handler: Handler;
  /** may take the connection over */
  takesOver: boolean;
}

/**
 * Routes by method and path. `{name}` matches one or more segments, as it does in dockerd: references contain slashes (`{name...}` says so
 * where it matters). The first that matches wins, so the more particular path is added first.
 */
export class Router {
  readonly #routes: Route[] = [];

  add(method: Method, path: string, handler: Handler, takesOver = false): this {
    const names: string[] = [];
    const source = path.replace(/\{(\w+)(\.\.\.)?\}/g, (_all, name: string) => {
      names.push(name);
      return '(.+)';
    });
    this.#routes.push({ method, pattern: new RegExp(`^${source}$`), names, handler, takesOver });
    return this;
  }

  /** A route whose answer may be `hijack` or `websocket`. */
  takeOver(method: Method, path: string, handler: Handler): this {
    return this.add(method, path, handler, true);
  }

  get = (path: string, handler: Handler) => this.add('GET', path, handler);
  head = (path: string, handler: Handler) => this.add('HEAD', path, handler);
  post = (path: string, handler: Handler) => this.add('POST', path, handler);
  put = (path: string, handler: Handler) => this.add('PUT', path, handler);
  delete = (path: string, handler: Handler) => this.add('DELETE', path, handler);

  takesOver(method: string, path: string): boolean {
    return this.#match(method, path)?.route.takesOver ?? false;
  }

  #match(method: string, path: string): { route: Route; match: RegExpExecArray } | undefined {
    for (const route of this.#routes) {
      const match = route.method === method ? route.pattern.exec(path) : null;
      if (match) return { route, match };
    }
    return undefined;
  }

  find(method: string, path: string): { handler: Handler; params: Record<string, string> } | undefined {
    const found = this.#match(method, path);
    if (!found) return undefined;
    const { route, match } = found;
    const params: Record<string, string> = {};
    route.names.forEach((name, index) => (params[name] = decodeURIComponent(match[index + 1] ?? '')));
    return { handler: route.handler, params };
  }
}

/** A duplex as a hijacked connection. */
export const hijackedFrom = (duplex: Duplex, signal: AbortSignal): Hijacked => ({
  readable: duplex,
  writable: duplex,
  signal,
});
