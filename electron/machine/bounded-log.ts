import { closeSync, ftruncateSync, openSync, readSync, fstatSync, writeSync } from 'node:fs';

const MOST = 2 ** 20;
const KEPT = 128 * 1024;

/**
 * Cuts a log that another process appends to (O_APPEND: it goes on at the end) to its last part, from a whole line on. What is written at
 * that moment may be lost; a log that cannot be cut is left.
 */
export function boundLog(path: string, most = MOST, kept = KEPT): void {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r+');
    const { size } = fstatSync(fd);
    if (size <= most) return;
    const last = Buffer.alloc(kept);
    const length = readSync(fd, last, 0, kept, size - kept);
    const from = last.indexOf('\n') + 1;
    ftruncateSync(fd, 0);
    writeSync(fd, last, from, length - from, 0);
  } catch {
    // not there, or somebody keeps it for himself
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
