import { isEntry, isPartial } from './entry.ts';
import type { LogFile } from './files.ts';

const BLOCK = 256 * 1024;
const NEWLINE = 10;

export interface TailStart {
  /** index into `files` */
  file: number;
  /** bytes into it */
  offset: number;
}

/**
 * Where the last `lines` lines of a log begin, found by reading backwards from the end. A line is what ends with an F entry; one that is
 * not ended yet counts too.
 */
export async function findTail(files: readonly LogFile[], lines: number): Promise<TailStart> {
  const last = files.length - 1;
  if (last < 0) return { file: 0, offset: 0 };
  if (lines === 0) return { file: last, offset: await endOf(files[last] as LogFile) };
  const counter = new LineCounter(lines);
  for (let index = last; index >= 0; index--) {
    const offset = await scan(files[index] as LogFile, counter);
    if (offset !== undefined) return { file: index, offset };
  }
  return { file: 0, offset: 0 };
}

/** The end of the last whole entry: what is behind it is being written, and belongs to what comes. */
async function endOf(file: LogFile): Promise<number> {
  const size = await file.size();
  const block = Buffer.allocUnsafe(BLOCK);
  for (let end = size; end > 0; end -= Math.min(BLOCK, end)) {
    const start = Math.max(0, end - BLOCK);
    const bytesRead = await file.read(block, 0, end - start, start);
    const newline = block.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (newline >= 0) return start + newline + 1;
  }
  return 0;
}

class LineCounter {
  #left: number;
  #first = true;

  constructor(lines: number) {
    this.#left = lines;
  }

  /** Takes entries from the last backwards; true when this one no longer belongs to the tail. */
  passes(partial: boolean): boolean {
    if (this.#first) {
      this.#first = false;
      this.#left--;
      return false;
    }
    if (partial) return false;
    if (this.#left === 0) return true;
    this.#left--;
    return false;
  }
}

/** Offset behind the entry that no longer belongs, or undefined when the whole file does. */
async function scan(file: LogFile, counter: LineCounter): Promise<number | undefined> {
  let end = await endOf(file);
  // The bytes before the first newline of a block belong to an entry that began in the block before: `carry` of them.
  let carry: Buffer = Buffer.alloc(0);
  while (end > 0) {
    const start = Math.max(0, end - BLOCK);
    const block = Buffer.allocUnsafe(end - start + carry.length);
    await readFully(file, block, end - start, start);
    carry.copy(block, end - start);
    // `stop` is the index of an entry's own newline, or the end of the carried entry.
    let stop = block.length - 1;
    while (stop >= 0) {
      const before = stop === 0 ? -1 : block.lastIndexOf(NEWLINE, stop - 1);
      if (before < 0 && start > 0) break;
      if (isEntry(block, before + 1, stop) && counter.passes(isPartial(block, before + 1))) return start + stop + 1;
      stop = before;
    }
    carry = block.subarray(0, stop + 1);
    end = start;
  }
  return undefined;
}

async function readFully(file: LogFile, into: Buffer, length: number, position: number): Promise<void> {
  let done = 0;
  while (done < length) {
    const bytesRead = await file.read(into, done, length - done, position + done);
    if (bytesRead === 0) {
      into.fill(0, done, length);
      return;
    }
    done += bytesRead;
  }
}
