import { randomBytes } from 'node:crypto';
import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

const PAGE = 4096;
/** Bytes that are read or written at once. */
const BLOCK = 4 * 2 ** 20;
/** Pages between two parts that are kept with them: a part costs two calls. */
const GAP = 16;
/** Of an entry of /proc/PID/pagemap: in memory, or swapped out (proc_pid_pagemap(5)). */
const THERE = 0b11n << 62n;

/** Bytes of the guest's memory, from and how many. */
export type Part = [start: number, length: number];

/** Where Linux has memory as files. */
const SHARED_MEMORY = '/dev/shm';
const NAME = 'berth-machine-memory-';

/** MiB that a machine's memory could have. */
export function freeSharedMemory(): number {
  try {
    const { bavail, bsize } = statfsSync(SHARED_MEMORY);
    return Math.floor((bavail * bsize) / 2 ** 20);
  } catch {
    return 0;
  }
}

/** The memory of a machine, of so many MiB: a file without a name, which is gone when its last user is. Gives its descriptor. */
export function makeMemory(mebibytes: number): number {
  const path = join(SHARED_MEMORY, `${NAME}${randomBytes(6).toString('hex')}`);
  const fd = openSync(path, 'wx+', 0o600);
  rmSync(path);
  ftruncateSync(fd, mebibytes * 2 ** 20);
  return fd;
}

/**
 * The parts that were ever used, in their order: those that QEMU's page table has. The rest is zero and takes no memory, so it must not even
 * be written.
 */
function usedParts(pid: number): Part[] {
  const mapping = new RegExp(`^([0-9a-f]+)-([0-9a-f]+) .*/${NAME}`, 'm').exec(
    readFileSync(`/proc/${pid}/maps`, 'latin1'),
  );
  if (!mapping) throw new Error('the memory of the machine is not mapped');
  const [start, end] = [parseInt(mapping[1] as string, 16), parseInt(mapping[2] as string, 16)];
  const entries = Buffer.alloc(((end - start) / PAGE) * 8);
  const fd = openSync(`/proc/${pid}/pagemap`, 'r');
  try {
    for (let done = 0; done < entries.length;) {
      const length = readSync(fd, entries, done, entries.length - done, (start / PAGE) * 8 + done);
      if (length === 0) throw new Error('the page table of the machine ends early');
      done += length;
    }
  } finally {
    closeSync(fd);
  }
  return partsOf(entries);
}

/** From the entries of a page table, 8 bytes for each page. */
export function partsOf(entries: Buffer): Part[] {
  const parts: Part[] = [];
  let last: Part | undefined;
  for (let page = 0; page < entries.length / 8; page++) {
    if ((entries.readBigUInt64LE(page * 8) & THERE) === 0n) continue;
    const at = page * PAGE;
    if (last && at - (last[0] + last[1]) <= GAP * PAGE) last[1] = at + PAGE - last[0];
    else parts.push((last = [at, PAGE]));
  }
  return parts;
}

function copy(from: number, to: number, parts: readonly Part[]): void {
  const buffer = Buffer.allocUnsafe(BLOCK);
  for (const [start, length] of parts) {
    for (let at = start; at < start + length;) {
      const read = readSync(from, buffer, 0, Math.min(BLOCK, start + length - at), at);
      if (read === 0) throw new Error('the kept memory ends early');
      for (let done = 0; done < read;) done += writeSync(to, buffer, done, read - done, at + done);
      at += read;
    }
  }
}

const MEMORY = 'memory';
const PARTS = 'parts.json';

/** Writes the memory of a machine that stands still: a sparse file, and which parts of it are data. */
export function keepMemory(from: number, pid: number, directory: string): void {
  const parts = usedParts(pid);
  const to = openSync(join(directory, MEMORY), 'wx', 0o600);
  try {
    copy(from, to, parts);
  } finally {
    closeSync(to);
  }
  writeFileSync(join(directory, PARTS), JSON.stringify(parts), { mode: 0o600 });
}

/** Fills the memory of a machine that has not begun. */
export function fillMemory(to: number, directory: string): void {
  const parts = JSON.parse(readFileSync(join(directory, PARTS), 'utf8')) as Part[];
  const from = openSync(join(directory, MEMORY), 'r');
  try {
    copy(from, to, parts);
  } finally {
    closeSync(from);
  }
}
