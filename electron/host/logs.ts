import type { LogBatch, LogLine } from '../contract/model.ts';
import type { EngineClient } from '../engine/client.ts';
import { Demultiplexer } from '../engine/streams.ts';
import { pause } from './signals.ts';

/** A batch is sent when it has so many lines, or is so many milliseconds old. */
const BATCH_LINES = 2_000;
const BATCH_AGE = 50;
/** When nothing came for so long, what was stored has been sent. */
const QUIET = 250;
/** More than this waiting for a slow window stops the reading. */
const HIGH_WATER = 4 * BATCH_LINES;
const NEWLINE = 10;

/** Splits one stream's bytes into stamped lines. A line longer than the engine's own pieces (16 KiB) arrives joined. */
class LineReader {
  readonly #stream: 'stdout' | 'stderr';
  #rest: Buffer[] = [];

  constructor(stream: 'stdout' | 'stderr') {
    this.#stream = stream;
  }

  push(data: Buffer, lines: LogLine[]): void {
    let from = 0;
    for (let at = data.indexOf(NEWLINE); at >= 0; at = data.indexOf(NEWLINE, from)) {
      const piece = data.subarray(from, at);
      lines.push(this.#parse(this.#rest.length > 0 ? this.#join(piece) : piece));
      from = at + 1;
    }
    if (from < data.length) this.#rest.push(Buffer.from(data.subarray(from)));
  }

  end(lines: LogLine[]): void {
    if (this.#rest.length > 0) lines.push(this.#parse(this.#join(Buffer.alloc(0))));
  }

  #join(last: Buffer): Buffer {
    const whole = Buffer.concat([...this.#rest, last]);
    this.#rest = [];
    return whole;
  }

  #parse(line: Buffer): LogLine {
    const text = line.toString('utf8', 0, line.at(-1) === 13 ? line.length - 1 : line.length);
    const space = text.indexOf(' ');
    const stamp = space < 0 ? text : text.slice(0, space);
    return { time: millisecondsOf(stamp), stamp, stream: this.#stream, text: space < 0 ? '' : text.slice(space + 1) };
  }
}

let lastSecond = '';
let lastSecondMs = 0;
/** RFC 3339 in UTC to milliseconds. Neighbouring lines share their second, so that its date is parsed once. */
export function millisecondsOf(stamp: string): number {
  const second = stamp.slice(0, 19);
  if (second !== lastSecond) {
    lastSecond = second;
    lastSecondMs = Date.parse(`${second}Z`);
  }
  return lastSecondMs + Math.floor(Number(`0.${stamp.slice(20, 23).replace(/\D/g, '') || 0}`) * 1000 + 0.5);
}

/** A container's log in batches, in the engine's order. Reads no faster than it is consumed. */
export async function* readLogs(
  client: EngineClient,
  request: { id: string; follow: boolean; tail: number },
  signal: AbortSignal,
): AsyncGenerator<LogBatch> {
  const started = Date.now();
  const { Config } = await client.inspectContainer(request.id);
  const source = await client.logs(request.id, request, signal);
  const out = new LineReader('stdout');
  const err = new LineReader('stderr');
  const frames = Config.Tty ? undefined : new Demultiplexer();
  let lines: LogLine[] = [];
  let ended = false;
  let failure: unknown;
  let lastData = Date.now();
  let wake: () => void = () => undefined;
  source.on('data', (chunk: Buffer) => {
    lastData = Date.now();
    if (frames) for (const frame of frames.push(chunk)) (frame.stream === 'stderr' ? err : out).push(frame.data, lines);
    else out.push(chunk, lines);
    if (lines.length >= HIGH_WATER) source.pause();
    if (lines.length >= BATCH_LINES) wake();
  });
  const finish = (error?: unknown) => {
    failure = error;
    ended = true;
    wake();
  };
  source.once('end', () => finish());
  source.once('error', (error) => finish(signal.aborted ? undefined : error));
  source.once('close', () => finish(failure));
  let caughtUp = false;
  try {
    while (!signal.aborted) {
      if (lines.length < BATCH_LINES && !ended) {
        const early = new AbortController();
        wake = () => early.abort();
        await pause(BATCH_AGE, AbortSignal.any([early.signal, signal]));
        if (signal.aborted) return;
      }
      if (ended) {
        out.end(lines);
        err.end(lines);
      }
      if (lines.length > 0) {
        const batch = lines;
        lines = [];
        if (source.isPaused()) source.resume();
        for (let at = 0; at < batch.length; at += BATCH_LINES) yield { kind: 'lines', lines: batch.slice(at, at + BATCH_LINES) };
        if (!caughtUp && (batch.at(-1)?.time ?? 0) > started) {
          caughtUp = true;
          yield { kind: 'caughtUp' };
        }
      } else if (!caughtUp && (ended || Date.now() - lastData > QUIET)) {
        caughtUp = true;
        yield { kind: 'caughtUp' };
      }
      if (ended && lines.length === 0) break;
    }
    if (signal.aborted) return;
    if (failure) throw failure;
    if (!caughtUp) yield { kind: 'caughtUp' };
    yield { kind: 'end' };
  } finally {
    source.destroy();
  }
}
