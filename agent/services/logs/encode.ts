import { INSTANT, PREFIX, UtcStamps, isEntry, isPartial, streamOf } from './entry.ts';

export interface EncodeOptions {
  stdout: boolean;
  stderr: boolean;
  timestamps: boolean;
  /** written after the timestamp and before each line (`details`) */
  details: string | undefined;
  /** Docker's 8-byte header before each line; not for a TTY */
  multiplexed: boolean;
  /** INSTANT bytes; inclusive */
  since: Buffer | undefined;
  until: Buffer | undefined;
}

const NEWLINE = 10;
const HEADER = 8;
const OUT_SIZE = 512 * 1024;

/** Takes finished output; resolves when the bytes have left and their memory may be used again. */
export type LogWriter = (bytes: Uint8Array) => Promise<void>;

/**
 * From conmon's lines to Docker's stream. Works on bytes throughout: nothing is made per line, output goes out in big pieces from one
 * buffer that is used again.
 */
export class LogEncoder {
  readonly #options: EncodeOptions;
  readonly #write: LogWriter;
  readonly #stamps = new UtcStamps();
  readonly #details: Buffer;
  /** by stream: the last entry was partial, so the next continues its line */
  readonly #midLine = [false, false, false];
  #out: Buffer = Buffer.allocUnsafe(64 * 1024);
  #used = 0;
  /** a line past `until` was met: there is no more to come */
  finished = false;

  constructor(options: EncodeOptions, write: LogWriter) {
    this.#options = options;
    this.#write = write;
    this.#details = Buffer.from(options.details === undefined ? '' : `${options.details} `);
  }

  /**
   * Encodes the whole entries in `bytes[from, to)` and gives the index of the first byte that was not used: the start of an entry
   * whose newline is not there yet. `bytes` may be changed.
   */
  async push(bytes: Buffer, from: number, to: number): Promise<number> {
    let at = from;
    while (at < to && !this.finished) {
      const end = bytes.indexOf(NEWLINE, at);
      if (end < 0 || end >= to) break;
      if (isEntry(bytes, at, end)) {
        // A promise for each line would cost more than all else: only when the buffer is full.
        const needed = end - at + HEADER + this.#details.length;
        if (this.#used + needed > this.#out.length) await this.#makeRoom(needed);
        this.#entry(bytes, at, end);
      }
      at = end + 1;
    }
    return at;
  }

  /** The last bytes of a log whose writer was killed in the middle of a line. */
  async pushCutOff(bytes: Buffer, from: number, to: number): Promise<void> {
    if (to - from <= PREFIX) return;
    const entry = Buffer.concat([bytes.subarray(from, to), Buffer.from('\n')]);
    if (!isEntry(entry, 0, entry.length - 1)) return;
    entry[43] = 0x50;
    await this.push(entry, 0, entry.length);
  }

  async flush(): Promise<void> {
    if (this.#used === 0) return;
    const used = this.#used;
    this.#used = 0;
    await this.#write(this.#out.subarray(0, used));
  }

  /** The buffer starts small, for short logs and quiet followers, and grows when it fills up. */
  async #makeRoom(needed: number): Promise<void> {
    if (this.#out.length < OUT_SIZE || needed > this.#out.length) {
      const bigger = Buffer.allocUnsafe(Math.max(OUT_SIZE, this.#used + needed));
      this.#out.copy(bigger, 0, 0, this.#used);
      this.#out = bigger;
    } else await this.flush();
  }

  #entry(bytes: Buffer, at: number, end: number): void {
    const { since, until, timestamps } = this.#options;
    if (since !== undefined || until !== undefined || timestamps) this.#stamps.normalise(bytes, at);
    if (since !== undefined && bytes.compare(since, 0, INSTANT, at, at + INSTANT) < 0) return;
    if (until !== undefined && bytes.compare(until, 0, INSTANT, at, at + INSTANT) > 0) {
      this.finished = true;
      return;
    }
    const stream = streamOf(bytes, at);
    if (!(stream === 1 ? this.#options.stdout : this.#options.stderr)) return;
    const partial = isPartial(bytes, at);
    const startsLine = !this.#midLine[stream];
    this.#midLine[stream] = partial;
    this.#frame(bytes, at, end, stream, partial, startsLine);
  }

  #frame(bytes: Buffer, at: number, end: number, stream: 1 | 2, partial: boolean, startsLine: boolean): void {
    const out = this.#out;
    const start = this.#used;
    let to = this.#options.multiplexed ? start + HEADER : start;
    if (startsLine) {
      if (this.#options.timestamps) {
        bytes.copy(out, to, at, at + INSTANT);
        to += INSTANT;
        out[to++] = 0x5a;
        out[to++] = 0x20;
      }
      if (this.#details.length > 0) to += this.#details.copy(out, to);
    }
    // The newline of the file is the container's own when the line is whole.
    const textEnd = partial ? end : end + 1;
    if (textEnd > at + PREFIX) to += bytes.copy(out, to, at + PREFIX, textEnd);
    this.#used = to;
    if (!this.#options.multiplexed) return;
    const size = to - start - HEADER;
    out[start] = stream;
    out[start + 1] = 0;
    out[start + 2] = 0;
    out[start + 3] = 0;
    out[start + 4] = size >>> 24;
    out[start + 5] = (size >>> 16) & 0xff;
    out[start + 6] = (size >>> 8) & 0xff;
    out[start + 7] = size & 0xff;
  }
}
