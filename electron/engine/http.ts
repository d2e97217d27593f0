import { Agent, type ClientRequest, type ClientRequestArgs, type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { ApiError, UnreachableError } from './errors.ts';
import type { Transport } from './transport.ts';

export type Query = Record<string, string | number | boolean | undefined>;
export interface CallOptions {
  query?: Query;
  /** sent as JSON */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** a look that no user asked for: it keeps no machine awake */
  watching?: boolean;
  /** milliseconds until the head of the answer has come; 0 (the default) waits for ever */
  timeout?: number;
}

/** Marks a look of the window's own, for who counts requests as use. */
export const WATCHING_HEADER = 'X-Berth-Watching';

/** An idle connection is given up after this many milliseconds, before the engine does it (Berth's: 60 s). */
const IDLE_TIMEOUT = 20_000;
/** The most of an error answer that is read. */
const MAX_ERROR_BODY = 64 * 1024;

/** Connections come from the transport, whatever that is. */
class TransportAgent extends Agent {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    super({ keepAlive: true, timeout: IDLE_TIMEOUT, maxFreeSockets: 8 });
    this.#transport = transport;
  }

  override createConnection(
    _options: ClientRequestArgs,
    done?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    this.#transport.connect().then(
      (stream) => done?.(null, stream),
      (error: Error) => done?.(error, undefined as unknown as Duplex),
    );
    return undefined;
  }
}

/** HTTP to one engine, over kept-alive connections. Failures are ApiError (the engine's answer) or UnreachableError. */
export class EngineHttp {
  readonly #transport: Transport;
  readonly #agent: TransportAgent;
  /** connections that were taken over: the agent knows them no more */
  readonly #upgraded = new Set<Duplex>();

  constructor(transport: Transport) {
    this.#transport = transport;
    this.#agent = new TransportAgent(transport);
  }

  get address(): string {
    return this.#transport.address;
  }

  /** The whole answer as JSON; undefined when it is empty. */
  async json<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    const response = await this.stream(method, path, options);
    const text = await this.#text(response);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** The answer's body as it comes; destroying it ends the call. Resolves with the head. */
  async stream(method: string, path: string, options: CallOptions = {}): Promise<IncomingMessage> {
    const response = await this.#send(method, path, options);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    if (status === 304) {
      response.resume();
      return response;
    }
    throw new ApiError(status, errorMessage(await this.#text(response, MAX_ERROR_BODY), status));
  }

  /** Takes the connection over for both directions (exec, attach). `head` bytes that came with the answer are put back. */
  upgrade(method: string, path: string, options: CallOptions = {}): Promise<Duplex> {
    return new Promise((done, fail) => {
      const req = this.#request(method, path, options, { Connection: 'Upgrade', Upgrade: 'tcp' });
      req.once('error', (error) => fail(this.#unreachable(error, options.signal)));
      req.once('upgrade', (_response, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        this.#upgraded.add(socket);
        socket.once('close', () => this.#upgraded.delete(socket));
        done(socket);
      });
      req.once('response', (response) => {
        const status = response.statusCode ?? 0;
        this.#text(response, MAX_ERROR_BODY).then(
          (text) => fail(new ApiError(status, errorMessage(text, status))),
          fail,
        );
      });
      finish(req, options.body);
    });
  }

  /** Ends every call and connection. */
  close(): void {
    for (const socket of this.#upgraded) socket.destroy();
    this.#agent.destroy();
    this.#transport.close();
  }

  /** Once more on a fresh connection when a kept one turned out to be closed and the call may be repeated. */
  async #send(method: string, path: string, options: CallOptions): Promise<IncomingMessage> {
    for (let attempt = 0; ; attempt++) {
      const req = this.#request(method, path, options);
      try {
        return await head(req, options);
      } catch (error) {
        const stale = req.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
        if (stale && attempt < 8 && (method === 'GET' || method === 'HEAD') && !options.signal?.aborted) continue;
        throw this.#unreachable(error, options.signal);
      }
    }
  }

  #request(method: string, path: string, options: CallOptions, extra: Record<string, string> = {}): ClientRequest {
    const headers: Record<string, string> = { Host: 'localhost', 'User-Agent': 'Berth', ...extra, ...options.headers };
    if (options.watching) headers[WATCHING_HEADER] = '1';
    if (options.body !== undefined) headers['Content-Type'] = 'application/json';
    return request({
      agent: this.#agent,
      method,
      path: path + queryString(options.query),
      headers,
      ...(options.signal ? { signal: options.signal } : {}),
    });
  }

  async #text(response: IncomingMessage, limit = Number.POSITIVE_INFINITY): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > limit) break;
        chunks.push(chunk);
      }
    } catch (error) {
      throw this.#unreachable(error);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  #unreachable(error: unknown, signal?: AbortSignal): unknown {
    return signal?.aborted ? signal.reason : new UnreachableError(this.address, error);
  }
}

function head(req: ClientRequest, options: CallOptions): Promise<IncomingMessage> {
  return new Promise((done, fail) => {
    const timer = options.timeout
      ? setTimeout(() => req.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })), options.timeout)
      : undefined;
    req.once('error', (error) => {
      clearTimeout(timer);
      fail(error);
    });
    req.once('response', (response) => {
      clearTimeout(timer);
      done(response);
    });
    finish(req, options.body);
  });
}

function finish(req: ClientRequest, body: unknown): void {
  if (body === undefined) {
    req.end();
    return;
  }
  const bytes = Buffer.from(JSON.stringify(body));
  req.setHeader('Content-Length', bytes.length);
  req.end(bytes);
}

function queryString(query: Query | undefined): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) params.set(name, String(value));
  const text = params.toString();
  return text && `?${text}`;
}

function errorMessage(text: string, status: number): string {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null && 'message' in body && typeof body.message === 'string')
      return body.message;
  } catch {
    // not JSON: shown as it is
  }
  return text.trim() || `the engine answered with status ${status}`;
}
