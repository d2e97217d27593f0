import {
  closeSync,
  openSync,
  readFileSync,
  readlinkSync,
  readdirSync,
  readSync,
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

/**
 * The guest's memory is a file that only QEMU has (memfd_create(2)): opened through /proc, which its user may. The parts of it that
 * were ever used are those that QEMU's page table has; the rest is zero and takes no memory, so it must not even be written.
 */
function openMemory(pid: number, flags: 'r' | 'r+'): number {
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    const path = `/proc/${pid}/fd/${name}`;
    if (isMemory(path)) return openSync(path, flags);
  }
  throw new Error('the memory of the machine is not found');
}

function isMemory(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('/memfd:memory-backend-memfd');
  } catch {
    return false; // closed meanwhile
  }
}

/** The parts in use, in their order. */
function usedParts(pid: number): Part[] {
  const mapping = /^([0-9a-f]+)-([0-9a-f]+) .*\/memfd:memory-backend-memfd/m.exec(
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
export function keepMemory(pid: number, directory: string): void {
  const parts = usedParts(pid);
  const from = openMemory(pid, 'r');
  const to = openSync(join(directory, MEMORY), 'wx', 0o600);
  try {
    copy(from, to, parts);
  } finally {
    closeSync(from);
    closeSync(to);
  }
  writeFileSync(join(directory, PARTS), JSON.stringify(parts), { mode: 0o600 });
}

/** Fills the memory of a machine that has not begun. */
export function fillMemory(pid: number, directory: string): void {
  const parts = JSON.parse(readFileSync(join(directory, PARTS), 'utf8')) as Part[];
  const from = openSync(join(directory, MEMORY), 'r');
  const to = openMemory(pid, 'r+');
  try {
    copy(from, to, parts);
  } finally {
    closeSync(from);
    closeSync(to);
  }
}
