import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { spendReserve } from './reserve.ts';

/** fsyncs a directory, so that a rename or removal in it survives a power cut (fsync(2), NOTES). */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
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
  const handle = await open(temporary, 'wx', mode);
  try {
    await handle.writeFile(content);
    await handle.sync();
    await handle.close();
    await rename(temporary, path);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}
