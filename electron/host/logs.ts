import type { IncomingMessage } from 'node:http';
import type { LogBatch, LogLine } from '../contract/model.ts';
import type { EngineClient } from '../engine/client.ts';
import { ApiError, UnreachableError } from '../engine/errors.ts';
import { Demultiplexer } from '../engine/streams.ts';
import { pause } from './signals.ts';

/** A batch is sent when it has so many lines, or is so many milliseconds old. */
const BATCH_LINES = 2_000;
const BATCH_AGE = 50;
/** When nothing came for so long, what was stored has been sent. */
const QUIET = 250;
/** More lines than this waiting for a slow window stop the reading. */
const HIGH_WATER = 4 * BATCH_LINES;
const NEWLINE = 10;
const RETURN = 13;

/** Milliseconds that a broken connection has to come back, and between the tries. */
const RESUME_PATIENCE = 10 * 60_000;
const RESUME_RETRY = 250;

export interface LogRequest {
  id: string;
  follow: boolean;
  /** lines from the end; 0: all */
  tail: number;
  /** milliseconds since the epoch; 0: all */
  since: number;
}

/** How far a log was given out, to go on from there: by the lines' stamps, which do not go backwards. */
class LogPlace {
  readonly #request: LogRequest;
  #last = '';
  /** lines given out with the last stamp */
  #same = 0;
  /** of those that come again: how many of the last stamp are still to be left out */
  #skip = 0;

  constructor(request: LogRequest) {
    this.#request = request;
  }

  /** Those not given out before, which count as given out now. */
  fresh(lines: LogLine[]): LogLine[] {
    const news = this.#skip > 0 ? lines.filter((line) => this.#isNew(line)) : lines;
    for (const { stamp } of news) {
      this.#same = stamp === this.#last ? this.#same + 1 : 1;
      this.#last = stamp;
    }
    return news;
  }

  /** What to ask for after the connection broke. */
  rest(): LogRequest {
    this.#skip = this.#same;
    return this.#last === '' ? this.#request : { ...this.#request, tail: 0, since: millisecondsOf(this.#last) };
  }

  #isNew({ stamp }: LogLine): boolean {
    if (this.#skip === 0) return true;
    if (stamp < this.#last) return false;
    if (stamp === this.#last) return --this.#skip < 0;
    this.#skip = 0;
    return true;
  }
}

/** Splits one stream's bytes into stamped lines. A line longer than the engine's own pieces (16 KiB) arrives joined. */
export class LineReader {
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
    // copied: what stays must not keep the whole chunk
    if (from < data.length) this.#rest.push(Buffer.from(data.subarray(from)));
  }

  /** The last line may have no end. */
  end(lines: LogLine[]): void {
    if (this.#rest.length > 0) lines.push(this.#parse(this.#join(Buffer.alloc(0))));
  }

  #join(last: Buffer): Buffer {
    const whole = Buffer.concat([...this.#rest, last]);
    this.#rest = [];
    return whole;
  }

  #parse(line: Buffer): LogLine {
    const text = line.toString('utf8', 0, line.at(-1) === RETURN ? line.length - 1 : line.length);
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
  const fraction = /^\.(\d{1,3})/.exec(stamp.slice(19, 23))?.[1] ?? '';
  return lastSecondMs + Number(fraction.padEnd(3, '0'));
}

/** Collects a log's lines as they come, and gives them out in batches. Reads no further than HIGH_WATER ahead. */
class LogCollector {
  ended = false;
  failure: Error | undefined;
  /** milliseconds since the epoch */
  lastData = Date.now();
  readonly #source: IncomingMessage;
  readonly #out = new LineReader('stdout');
  readonly #err = new LineReader('stderr');
  #lines: LogLine[] = [];
  #full: () => void = () => undefined;

  constructor(source: IncomingMessage, tty: boolean) {
    this.#source = source;
    const frames = tty ? undefined : new Demultiplexer();
    source.on('data', (chunk: Buffer) => {
      this.lastData = Date.now();
      if (frames)
        for (const { stream, data } of frames.push(chunk))
          (stream === 'stderr' ? this.#err : this.#out).push(data, this.#lines);
      else this.#out.push(chunk, this.#lines);
      if (this.#lines.length >= HIGH_WATER) source.pause();
      if (this.#lines.length >= BATCH_LINES) this.#full();
    });
    source.once('error', (error) => (this.failure = error));
    source.once('close', () => {
      // a line cut off by a failure comes whole when the reading is resumed
      if (!this.failure) {
        this.#out.end(this.#lines);
        this.#err.end(this.#lines);
      }
      this.ended = true;
      this.#full();
    });
  }

  /** What there is when a batch is full, or old enough; perhaps nothing. */
  async take(): Promise<LogLine[]> {
    if (this.#lines.length < BATCH_LINES && !this.ended)
      await new Promise<void>((done) => {
        const timer = setTimeout(done, BATCH_AGE);
        this.#full = () => {
          clearTimeout(timer);
          done();
        };
      });
    const lines = this.#lines;
    this.#lines = [];
    if (this.#source.isPaused()) this.#source.resume();
    return lines;
  }
}

/** A container's log in batches, in the engine's order, each line once, also when the connection breaks meanwhile. Reads no faster than it is consumed. */
export async function* readLogs(
  client: EngineClient,
  request: LogRequest,
  signal: AbortSignal,
): AsyncGenerator<LogBatch> {
  const started = Date.now();
  const { Config } = await client.inspectContainer(request.id);
  const place = new LogPlace(request);
  let source = await client.logs(request.id, request, signal);
  let caughtUp = false;
  try {
    for (;;) {
      const collector = new LogCollector(source, Config.Tty === true);
      for (;;) {
        const lines = place.fresh(await collector.take());
        if (signal.aborted) return;
        for (let at = 0; at < lines.length; at += BATCH_LINES)
          yield { kind: 'lines', lines: lines.slice(at, at + BATCH_LINES) };
        const live = lines.length > 0 ? (lines.at(-1)?.time ?? 0) > started : Date.now() - collector.lastData > QUIET;
        const over = collector.ended && lines.length === 0;
        if (over && collector.failure && !request.follow) throw collector.failure;
        if (!caughtUp && (live || (over && !collector.failure))) {
          caughtUp = true;
          yield { kind: 'caughtUp' };
        }
        if (!over) continue;
        if (!collector.failure) return yield { kind: 'end' };
        break;
      }
      source = await reopen(client, place.rest(), signal);
    }
  } finally {
    source.destroy();
  }
}

/** Nobody answers, or who holds the machine says that it does not. */
const isAway = (error: unknown) =>
  error instanceof UnreachableError || (error instanceof ApiError && error.status === 503);

/** The engine may need a moment to be there again: a connection that is made anew, a machine that woke up. */
async function reopen(client: EngineClient, request: LogRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const until = performance.now() + RESUME_PATIENCE;
  for (;;) {
    try {
      return await client.logs(request.id, request, signal);
    } catch (error) {
      if (!isAway(error) || performance.now() > until) throw error;
      await pause(RESUME_RETRY, signal);
    }
  }
}
