import type { Writable } from 'node:stream';
import { EngineError, invalid } from '../api/errors.ts';
import { atLeast } from '../api/version.ts';
import type { LogBackend, LogQuery } from '../services/logs/create.ts';
import { boolValue } from './query.ts';
import { stream, type Router } from './router.ts';
import { parseTimestamp } from './timestamp.ts';

export const RAW_STREAM = 'application/vnd.docker.raw-stream';
export const MULTIPLEXED_STREAM = 'application/vnd.docker.multiplexed-stream';

/** GET /containers/{id}/logs */
export function addLogRoutes(router: Router, logs: LogBackend): void {
  router.get('/containers/{id}/logs', (ctx) => {
    const query = logQuery(ctx.query);
    const log = logs.open(ctx.params['id'] as string, query);
    const multiplexed = !log.tty && atLeast(ctx.apiVersion, '1.42');
    return stream(multiplexed ? MULTIPLEXED_STREAM : RAW_STREAM, async (sink) => {
      // The client of a quiet container waits for the head.
      if (query.follow) sink.start();
      let begun = false;
      await log.run((bytes) => {
        if (!begun) sink.start();
        begun = true;
        return writeThrough(sink.writable, bytes, sink.signal);
      }, sink.signal);
    });
  });
}

/** Resolves when the bytes have left the process, so that their buffer can be used again. */
function writeThrough(writable: Writable, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    const gone = () => fail(new EngineError('cancelled', 'the client went away'));
    if (signal.aborted) return gone();
    signal.addEventListener('abort', gone, { once: true });
    writable.write(bytes, (error) => {
      signal.removeEventListener('abort', gone);
      if (error) gone();
      else done();
    });
  });
}

function logQuery(query: URLSearchParams): LogQuery {
  const stdout = boolValue(query, 'stdout');
  const stderr = boolValue(query, 'stderr');
  if (!stdout && !stderr) throw invalid('Bad parameters: you must choose at least one stream');
  const tail = Number.parseInt(query.get('tail') ?? '', 10);
  const until = parseInstant(query, 'until');
  return {
    stdout,
    stderr,
    follow: boolValue(query, 'follow'),
    timestamps: boolValue(query, 'timestamps'),
    details: boolValue(query, 'details'),
    since: parseInstant(query, 'since') || undefined,
    // 0 is what clients send for "no end"
    until: until || undefined,
    // "all", and what is no number, is all
    tail: /^\d+$/.test(query.get('tail') ?? '') ? tail : undefined,
  };
}

/** Nanoseconds since the epoch; what is understood: see `parseTimestamp`. */
export function parseInstant(query: URLSearchParams, name: string): bigint | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const time = parseTimestamp(text, Date.now());
  if (time === undefined) throw invalid(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  return time;
}
