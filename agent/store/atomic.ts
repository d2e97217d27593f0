import { randomBytes } from 'node:crypto';
import { closeSync, fsync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { spendReserve } from './reserve.ts';

/** The only step that waits for the disk, and so the only one that is worth a turn of the thread pool. */
const sync = promisify(fsync);

/** fsyncs a directory, so that a rename or removal in it survives a power cut (fsync(2), NOTES). */
export async function syncDirectory(path: string): Promise<void> {
  const fd = openSync(path, 'r');
  try {
    await sync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Replaces `path` whole: a reader sees the old content or the new, also after a crash. On a full disk it takes of the reserve. */
export async function writeAtomic(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  try {
    await replace(path, content, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC' || !(await spendReserve())) throw error;
    await replace(path, content, mode);
  }
}

async function replace(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const fd = openSync(temporary, 'wx', mode);
  try {
    try {
      writeFileSync(fd, content);
      await sync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}
