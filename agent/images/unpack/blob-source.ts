import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { EngineError, systemError } from '../../api/errors.ts';
import { registryError } from '../registry/errors.ts';
import { describeNetworkError } from '../registry/network-error.ts';
import { readBody, send, type HttpResponse } from '../registry/transport.ts';
import type { LayerTask } from './protocol.ts';

const PIECE = 256 * 1024;
/** milliseconds before each new attempt; progress starts the row again */
const DELAYS = [250, 1000, 2000, 4000, 5000];

export interface FetchEvents {
  onBytes(total: number): void;
  onRetry(seconds: number): void;
}

function* fileChunks(fd: number, size: number): Generator<Buffer> {
  for (let at = 0; at < size;) {
    const buffer = Buffer.allocUnsafe(Math.min(PIECE, size - at));
    const read = readSync(fd, buffer, 0, buffer.length, at);
    if (read === 0) throw systemError('unexpected EOF');
    at += read;
    yield buffer.subarray(0, read);
  }
}

/**
 * The bytes of a blob, from disk or from the registry. What is fetched is written to `partialPath` before it is handed on, so that an
 * interrupted fetch goes on from there: in this call after a cut connection, in the next after a crash. Not verified here.
 */
export async function* blobChunks(task: LayerTask, signal: AbortSignal, events: FetchEvents): AsyncGenerator<Buffer> {
  if (task.storedPath !== undefined) {
    const fd = openSync(task.storedPath, 'r');
    try {
      for (const chunk of fileChunks(fd, fstatSync(fd).size)) {
        if (signal.aborted) throw new EngineError('cancelled', 'context canceled');
        yield chunk;
      }
    } finally {
      closeSync(fd);
    }
    return;
  }
  if (task.partialPath === undefined) throw new Error('a task without a blob');
  const fd = openSync(task.partialPath, 'a+', 0o600);
  try {
    let have = fstatSync(fd).size;
    if (have > task.size) {
      ftruncateSync(fd, 0);
      have = 0;
    }
    events.onBytes(have);
    yield* fileChunks(fd, have);
    yield* fetchRest(task, fd, have, signal, events);
  } finally {
    closeSync(fd);
  }
}

async function* fetchRest(
  task: LayerTask,
  fd: number,
  start: number,
  signal: AbortSignal,
  events: FetchEvents,
): AsyncGenerator<Buffer> {
  let have = start;
  for (let attempt = 0; have < task.size;) {
    try {
      const { response, skip } = await open(task, have, signal);
      let toSkip = skip;
      for await (const piece of response.body as AsyncIterable<Buffer>) {
        const chunk = toSkip > 0 ? piece.subarray(toSkip) : piece;
        toSkip = Math.max(0, toSkip - piece.length);
        if (chunk.length === 0) continue;
        if (have + chunk.length > task.size)
          throw systemError(`the registry sent more than the ${task.size} bytes of ${task.digest}`);
        for (let at = 0; at < chunk.length;) at += writeSync(fd, chunk, at);
        have += chunk.length;
        attempt = 0;
        events.onBytes(have);
        yield chunk;
      }
      if (have < task.size)
        throw describeNetworkError(new Error('unexpected EOF'), 'GET', task.source?.url ?? 'http://registry');
    } catch (thrown) {
      const error = asEngineError(thrown, task, signal);
      const delay = DELAYS[attempt];
      if (delay === undefined || !worthRetrying(error)) throw error;
      attempt += 1;
      events.onRetry(Math.ceil(delay / 1000));
      await pause(delay, signal);
    }
  }
}

function asEngineError(thrown: unknown, task: LayerTask, signal: AbortSignal): unknown {
  if (signal.aborted) return new EngineError('cancelled', 'context canceled');
  if (thrown instanceof EngineError) return thrown;
  const code = (thrown as NodeJS.ErrnoException).code;
  // a connection cut in the middle of the body
  if (code === 'ECONNRESET' || code === 'ETIMEDOUT' || code === 'EPIPE' || (thrown as Error).message === 'aborted')
    return new ConnectionLost(
      'system',
      describeNetworkError(thrown as Error, 'GET', task.source?.url ?? 'http://registry').message,
      thrown,
    );
  return thrown;
}

/** The body stopped before its end. */
class ConnectionLost extends EngineError {}

function worthRetrying(error: unknown): boolean {
  if (error instanceof ConnectionLost) return true;
  if (!(error instanceof EngineError) || error.kind !== 'system') return false;
  const status = 'status' in error ? error.status : undefined;
  if (typeof status === 'number') return status >= 500 || status === 429;
  return /(EOF|reset by peer|i\/o timeout|connection refused|HTTP status: 5\d\d.*)$/.test(error.message);
}

async function open(
  task: LayerTask,
  have: number,
  signal: AbortSignal,
): Promise<{ response: HttpResponse; skip: number }> {
  const { source } = task;
  if (!source) throw new Error('a task without a source');
  const headers = { ...source.headers, ...(have > 0 ? { Range: `bytes=${have}-` } : {}) };
  const response = await send({ method: 'GET', url: source.url, headers, signal, insecureTls: source.insecureTls });
  // a server without ranges sends all of it again
  if (response.status === 200) return { response, skip: have };
  if (response.status === 206 && have > 0) {
    const from = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1];
    if (from !== undefined && Number(from) === have) return { response, skip: 0 };
    response.body.destroy();
    throw systemError(`the registry answered another range than asked for ${task.digest}`);
  }
  throw registryError(response.status, await readBody(response), source.url);
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    const cancel = () => {
      clearTimeout(timer);
      fail(new EngineError('cancelled', 'context canceled'));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', cancel);
      done();
    }, milliseconds);
    if (signal.aborted) cancel();
    else signal.addEventListener('abort', cancel, { once: true });
  });
}
