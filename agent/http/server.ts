import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable, type Duplex } from 'node:stream';
import { EngineError, invalid, notFound, statusOf } from '../api/errors.ts';
import { API_VERSION, BERTH_VERSION, MIN_API_VERSION, atLeast } from '../api/version.ts';
import {
  hijackedFrom,
  type JsonOptions,
  type Reply,
  type RequestContext,
  type Router,
  type StreamSink,
} from './router.ts';

/** The largest JSON body that is read; what is bigger (archives) is streamed by its handler. */
const MAX_JSON_BODY = 4 * 1024 * 1024;

export interface ServerOptions {
  router: Router;
  /** Told of every failure with status 500: a bug, or the system failing. */
  onError: (error: unknown, request: string) => void;
}

/** The HTTP side of the engine: versions, errors, streams and hijacked connections. Routes come from the router. */
export function createEngineServer({ router, onError }: ServerOptions): Server {
  const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0, headersTimeout: 60_000 });
  server.on('request', (req, res) => void answer(router, req, res, onError));
  server.on('upgrade', (req, socket, head) => void answerUpgrade(router, req, socket, head, onError));
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  });
  return server;
}

const COMMON_HEADERS: Record<string, string> = {
  'Api-Version': API_VERSION,
  'Docker-Experimental': 'false',
  Ostype: 'linux',
  Server: `Berth/${BERTH_VERSION} (linux)`,
};

/** Splits "/v1.41/containers/json?all=1". Throws when the version is out of range. */
function parseTarget(target: string): { path: string; query: URLSearchParams; apiVersion: string } {
  const at = target.indexOf('?');
  let path = at < 0 ? target : target.slice(0, at);
  const query = new URLSearchParams(at < 0 ? '' : target.slice(at + 1));
  const match = /^\/v(\d+\.\d+)(\/.*)$/.exec(path);
  if (!match) return { path, query, apiVersion: API_VERSION };
  const apiVersion = match[1] as string;
  path = match[2] as string;
  if (!atLeast(apiVersion, MIN_API_VERSION))
    throw invalid(
      `client version ${apiVersion} is too old. Minimum supported API version is ${MIN_API_VERSION}, please upgrade your client to a newer version`,
    );
  if (!atLeast(API_VERSION, apiVersion))
    throw invalid(`client version ${apiVersion} is too new. Maximum supported API version is ${API_VERSION}`);
  return { path, query, apiVersion };
}

async function resolve(router: Router, req: IncomingMessage, body: Readable, signal: AbortSignal): Promise<Reply> {
  const method = req.method ?? 'GET';
  const { path, query, apiVersion } = parseTarget(req.url ?? '/');
  let found: ReturnType<Router['find']>;
  try {
    found = router.find(method, path);
  } catch (error) {
    throw invalid(`invalid URL escape in ${JSON.stringify(path)}`, error);
  }
  if (!found) throw notFound('page not found');
  const ctx: RequestContext = {
    req,
    method,
    path,
    params: found.params,
    query,
    apiVersion,
    signal,
    json: (options) => readJson(req, body, options ?? {}),
  };
  return found.handler(ctx);
}

async function readJson<T>(
  req: IncomingMessage,
  body: Readable,
  { optional = false, type: goType }: JsonOptions,
): Promise<T> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_JSON_BODY) throw invalid('request body too large');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8').trim();
  if (text === '') {
    if (optional) return {} as T;
    throw invalid('invalid JSON: got EOF while reading request body');
  }
  const type = req.headers['content-type'];
  if (type !== undefined && type.split(';')[0]?.trim().toLowerCase() !== 'application/json')
    throw invalid(`unsupported Content-Type header (${type}): must be 'application/json'`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(`invalid JSON: ${syntaxFault(error, text)}`, error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    if (value === null && (optional || goType)) return (goType ? null : {}) as T;
    const kind = Array.isArray(value)
      ? 'array'
      : value === null
        ? 'null'
        : typeof value === 'boolean'
          ? 'bool'
          : typeof value;
    throw invalid(
      goType
        ? `invalid JSON: json: cannot unmarshal ${kind} into Go value of type ${goType}`
        : 'invalid JSON: expected an object',
    );
  }
  return value as T;
}

/** In Go's words where the text just stops, which is what a client that went away leaves. */
function syntaxFault(error: unknown, text: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const at = / at position (\d+)/.exec(message)?.[1];
  return /end of JSON input/.test(message) || Number(at) >= text.length ? 'unexpected EOF' : message;
}

/** Errors a client may see: the message of a catalogued failure, or of the bug itself as Docker shows it. */
function errorBody(error: unknown): string {
  const message = error instanceof Error && error.message !== '' ? error.message : String(error);
  return `${JSON.stringify({ message })}\n`;
}

async function answer(
  router: Router,
  req: IncomingMessage,
  res: ServerResponse,
  onError: ServerOptions['onError'],
): Promise<void> {
  const abort = new AbortController();
  res.on('close', () => abort.abort());
  for (const [name, value] of Object.entries(COMMON_HEADERS)) res.setHeader(name, value);
  try {
    const reply = await resolve(router, req, req, abort.signal);
    switch (reply.kind) {
      case 'json': {
        const text = `${JSON.stringify(reply.body)}\n`;
        res.writeHead(reply.status, {
          'Content-Type': 'application/json',
          'Content-Length': Buffer.byteLength(text),
          ...reply.headers,
        });
        res.end(req.method === 'HEAD' ? undefined : text);
        return;
      }
      case 'empty':
        res.writeHead(reply.status, reply.headers);
        res.end();
        return;
      case 'stream':
        await reply.run(sinkFor(res, reply.contentType, reply.headers, abort.signal));
        if (!res.headersSent) res.writeHead(200, { 'Content-Type': reply.contentType, ...reply.headers });
        res.end();
        return;
      case 'hijack':
        res.writeHead(200, { 'Content-Type': reply.contentType });
        res.flushHeaders();
        await reply.run({ readable: req, writable: res, signal: abort.signal });
        res.end();
        return;
    }
  } catch (error) {
    const status = statusOf(error);
    if (status === 500 && !abort.signal.aborted) onError(error, `${req.method} ${req.url}`);
    if (res.headersSent) {
      res.destroy();
      return;
    }
    if (status === 304) {
      res.writeHead(304);
      res.end();
      return;
    }
    const text = errorBody(error);
    res.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
    res.end(req.method === 'HEAD' ? undefined : text);
  }
}

function sinkFor(
  res: ServerResponse,
  contentType: string,
  headers: Record<string, string> | undefined,
  signal: AbortSignal,
): StreamSink {
  const start = () => {
    if (res.headersSent) return;
    res.writeHead(200, { 'Content-Type': contentType, ...headers });
    res.flushHeaders();
  };
  const write = (chunk: Uint8Array | string): Promise<void> => {
    start();
    if (signal.aborted) return Promise.reject(new EngineError('cancelled', 'the client went away'));
    if (res.write(chunk)) return Promise.resolve();
    return new Promise((done, fail) => {
      const settle = () => {
        res.off('drain', settle);
        res.off('close', settle);
        if (signal.aborted || res.destroyed) fail(new EngineError('cancelled', 'the client went away'));
        else done();
      };
      res.on('drain', settle);
      res.on('close', settle);
    });
  };
  return {
    signal,
    start,
    write,
    line: (value) => write(`${JSON.stringify(value)}\r\n`),
    get writable() {
      start();
      return res;
    },
  };
}

/**
 * `Connection: Upgrade`: Node hands over the raw socket with the request body still on it, so the body of the length the client
 * announced is cut off the front, and what follows is the client's stdin.
 */
async function answerUpgrade(
  router: Router,
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  onError: ServerOptions['onError'],
): Promise<void> {
  const abort = new AbortController();
  socket.on('close', () => abort.abort());
  socket.on('error', () => socket.destroy());
  try {
    const length = Number(req.headers['content-length'] ?? 0);
    const { body, rest } = await takeBody(socket, head, Number.isSafeInteger(length) && length > 0 ? length : 0);
    if (rest.length > 0) socket.unshift(rest);
    const reply = await resolve(router, req, Readable.from(body.length > 0 ? [body] : []), abort.signal);
    if (reply.kind !== 'hijack') {
      // The path does not hijack: answer as plain HTTP and close.
      const text = reply.kind === 'json' ? JSON.stringify(reply.body) : '';
      const status = reply.kind === 'stream' ? 400 : reply.status;
      socket.end(
        rawHead(status, {
          'Content-Type': 'application/json',
          'Content-Length': `${Buffer.byteLength(text)}`,
          Connection: 'close',
        }) + text,
      );
      return;
    }
    const protocol = req.headers.upgrade ?? 'tcp';
    socket.write(
      rawHead(101, { 'Content-Type': reply.contentType, Connection: 'Upgrade', Upgrade: protocol }, 'UPGRADED'),
    );
    await reply.run(hijackedFrom(socket, abort.signal));
    socket.end();
  } catch (error) {
    const status = statusOf(error);
    if (status === 500 && !abort.signal.aborted) onError(error, `${req.method} ${req.url}`);
    if (socket.destroyed) return;
    const text = errorBody(error);
    socket.end(
      rawHead(status, {
        'Content-Type': 'application/json',
        'Content-Length': `${Buffer.byteLength(text)}`,
        Connection: 'close',
      }) + text,
    );
  }
}

function rawHead(status: number, headers: Record<string, string>, reason = 'Answer'): string {
  const lines = Object.entries({ ...COMMON_HEADERS, ...headers }).map(([name, value]) => `${name}: ${value}`);
  return `HTTP/1.1 ${status} ${reason}\r\n${lines.join('\r\n')}\r\n\r\n`;
}

async function takeBody(socket: Duplex, head: Buffer, length: number): Promise<{ body: Buffer; rest: Buffer }> {
  if (length > MAX_JSON_BODY) throw invalid('request body too large');
  let buffer = head;
  while (buffer.length < length) {
    const chunk = await new Promise<Buffer | null>((done) => {
      socket.once('data', (data: Buffer) => {
        socket.pause();
        done(data);
      });
      socket.once('end', () => done(null));
      socket.once('close', () => done(null));
      socket.resume();
    });
    if (chunk === null) throw invalid('unexpected EOF');
    buffer = Buffer.concat([buffer, chunk]);
  }
  return { body: buffer.subarray(0, length), rest: buffer.subarray(length) };
}
