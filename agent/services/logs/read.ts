import { LogEncoder, type EncodeOptions, type LogWriter } from './encode.ts';
import { closeLogFiles, openLogFiles, type LogFile } from './files.ts';
import type { LogGate } from './gate.ts';
import { findTail } from './tail.ts';
import type { LogChanges } from './watch.ts';

const BLOCK = 512 * 1024;
/** Enough for what a quiet container says at a time. */
const FOLLOW_BLOCK = 64 * 1024;

export interface ReadOptions extends EncodeOptions {
  path: string;
  gate: LogGate;
  /** lines; undefined: all */
  tail: number | undefined;
  /** undefined: only what is there */
  follow: LogChanges | undefined;
}

/** Reads a log from its oldest file to its newest, and on as it grows, until `follow` says that no more comes. */
export async function readLog(options: ReadOptions, write: LogWriter, signal: AbortSignal): Promise<void> {
  const { follow } = options;
  const encoder = new LogEncoder(options, write);
  const chain = new Chain(options.path, options.gate, encoder, signal);
  try {
    await chain.start(options.tail, follow !== undefined);
    await encoder.flush();
    while (follow && !encoder.finished && !signal.aborted) {
      // Asked before reading: what is written after the answer makes another change.
      const more = await follow.next();
      if (signal.aborted) return;
      await chain.advance();
      if (!more) break;
      await encoder.flush();
    }
    await chain.finish();
    await encoder.flush();
  } finally {
    await chain.close();
  }
}

/** So many files may wait for a reader that does not keep up; what is older goes, or one that sleeps would fill the disk. */
const MAX_WAITING = 32;

/** The files of a log as they are read one after the other; the newest stays open for what is added. */
class Chain {
  readonly #path: string;
  readonly #gate: LogGate;
  readonly #encoder: LogEncoder;
  readonly #signal: AbortSignal;
  #current: FileReader | undefined;
  #waiting: LogFile[] = [];
  /** identity of the newest file that was opened */
  #newest: string | undefined;
  #leave: () => void = () => undefined;

  constructor(path: string, gate: LogGate, encoder: LogEncoder, signal: AbortSignal) {
    this.#path = path;
    this.#gate = gate;
    this.#encoder = encoder;
    this.#signal = signal;
  }

  async start(tail: number | undefined, follows: boolean): Promise<void> {
    await this.#gate.run(async () => {
      await this.#open();
      if (follows) this.#leave = this.#gate.enter(this.#open);
    });
    const opened = [...this.#waiting];
    const first = tail === undefined ? { file: 0, offset: 0 } : await findTail(opened, tail);
    await closeLogFiles(this.#waiting.splice(0, first.file));
    await this.#readWaiting(first.offset, BLOCK);
  }

  /** Reads what was added, in this file and in those that have come after it. */
  async advance(): Promise<void> {
    await this.#gate.run(this.#open);
    await this.#current?.readOn(this.#signal, FOLLOW_BLOCK);
    await this.#readWaiting(0, FOLLOW_BLOCK);
  }

  /** Opens what has come since; also called by rotation, before it takes a file away. */
  readonly #open = async (): Promise<void> => {
    const newer = await openLogFiles(this.#path, this.#newest, this.#gate.canonical);
    this.#waiting.push(...newer);
    this.#newest = newer.at(-1)?.identity ?? this.#newest;
    if (this.#current) await closeLogFiles(this.#waiting.splice(0, Math.max(0, this.#waiting.length - MAX_WAITING)));
  };

  async #readWaiting(offset: number, blockSize: number): Promise<void> {
    let from = offset;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      // A newer file is there only once conmon has left the older one: now the older is complete.
      await this.#current?.readOn(this.#signal, blockSize);
      await this.finish();
      await this.#current?.close();
      this.#current = new FileReader(next, from, this.#encoder);
      from = 0;
      await this.#current.readOn(this.#signal, blockSize);
    }
  }

  async finish(): Promise<void> {
    await this.#current?.finish();
  }

  async close(): Promise<void> {
    this.#leave();
    // Rotation may be opening files for this reader.
    await this.#gate.run(async () => closeLogFiles(this.#waiting));
    await this.#current?.close();
  }
}

/** Reads one file forwards, keeping an unfinished entry until its rest is there. */
class FileReader {
  readonly #file: LogFile;
  readonly #encoder: LogEncoder;
  #position: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(file: LogFile, offset: number, encoder: LogEncoder) {
    this.#file = file;
    this.#position = offset;
    this.#encoder = encoder;
  }

  /** Reads to the end of what is there. */
  async readOn(signal: AbortSignal, size: number): Promise<void> {
    let block: Buffer | undefined;
    while (!this.#encoder.finished && !signal.aborted) {
      if (block === undefined || block.length < this.#rest.length + size / 2)
        block = Buffer.allocUnsafe(this.#rest.length + size);
      const kept = this.#rest.copy(block, 0);
      const bytesRead = await this.#file.read(block, kept, block.length - kept, this.#position);
      if (bytesRead === 0) break;
      this.#position += bytesRead;
      const end = kept + bytesRead;
      const used = await this.#encoder.push(block, 0, end);
      this.#rest = Buffer.from(block.subarray(used, end));
    }
  }

  /** No more comes: what is left is a line that was cut off. */
  async finish(): Promise<void> {
    await this.#encoder.pushCutOff(this.#rest, 0, this.#rest.length);
    this.#rest = Buffer.alloc(0);
  }

  close = () => this.#file.close();
}
