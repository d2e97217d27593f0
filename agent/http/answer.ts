import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorWords } from '../api/error-words.ts';
import { EngineError, statusOf } from '../api/errors.ts';
import { API_VERSION, BERTH_VERSION } from '../api/version.ts';
import type { Reply, Router, StreamSink } from './router.ts';
import { route } from './target.ts';

/** Told of every failure with status 500: a bug, or the system failing. */
export type OnError = (error: unknown, request: string) => void;

export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'Api-Version': API_VERSION,
  'Docker-Experimental': 'false',
  Ostype: 'linux',
  Server: `Berth/${BERTH_VERSION} (linux)`,
};

/** Errors a client may see: the message of a catalogued failure, or of the bug itself as Docker shows it. */
export function errorBody(error: unknown): string {
  return `${JSON.stringify({ message: errorWords(error) })}\n`;
}

/** Answers a request whose connection stays HTTP. */
export async function answer(
  router: Router,
  req: IncomingMessage,
  res: ServerResponse,
  onError: OnError,
): Promise<void> {
  const abort = new AbortController();
  const halfClosed = watchHalfClose(req, res);
  res.on('close', () => abort.abort());
  for (const [name, value] of Object.entries(COMMON_HEADERS)) res.setHeader(name, value);
  try {
    const reply = await route(router, req, () => req, abort.signal);
    if (reply.kind === 'stream') halfClosed.endsStream();
    await send(reply, req, res, abort.signal);
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

/** How long a stream goes on to a client that has closed its side, in milliseconds. */
const HALF_CLOSED = 1000;

/**
 * A client that closes its side still gets its answer. It looks the same when it goes for good, so a stream, which may have nothing to
 * write for long, then ends.
 */
function watchHalfClose({ socket }: IncomingMessage, res: ServerResponse): { endsStream: () => void } {
  let timer: NodeJS.Timeout | undefined;
  let streaming = false;
  const look = () => {
    if (streaming && socket.readableEnded) timer ??= setTimeout(() => socket.destroy(), HALF_CLOSED);
  };
  socket.on('end', look);
  res.once('close', () => {
    socket.off('end', look);
    clearTimeout(timer);
  });
  return {
    endsStream: () => {
      streaming = true;
      look();
    },
  };
}

async function send(reply: Reply, req: IncomingMessage, res: ServerResponse, signal: AbortSignal): Promise<void> {
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
      await reply.run(sinkFor(res, reply.contentType, reply.headers, signal));
      if (!res.headersSent) res.writeHead(200, { 'Content-Type': reply.contentType, ...reply.headers });
      res.end();
      return;
    case 'hijack':
    case 'websocket':
      // The server takes such connections over before they come here.
      throw new Error(`${req.method} ${req.url}: the connection was not taken over`);
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
