import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Removes a directory of a few small files in one go: through promises every name costs several turns of the thread pool. Fine when
 * there is none.
 */
export const removeSmall = (path: string): void => rmSync(path, { recursive: true, force: true });

type Failed = (error: unknown) => void;

/** One after the other, each in a turn of its own: what somebody waits for comes between. */
let last: Promise<void> = Promise.resolve();

function removeLater(path: string, failed: Failed, little = false): void {
  last = last
    .then(() => new Promise<void>((turn) => setImmediate(turn)))
    .then(() => (little || isLittle(path) ? removeSmall(path) : rm(path, { recursive: true, force: true })))
    .catch(failed);
}

/** When all that was to be removed later is gone. */
export const removedAll = (): Promise<void> => last;

/**
 * Takes a directory away at once, and removes it beside other work: it is moved into `trash`, which is on the same file system and which
 * the next engine empties. Fine when there is none.
 */
export function throwAway(path: string, trash: string, failed: Failed): void {
  const there = join(trash, randomBytes(8).toString('hex'));
  try {
    renameSync(path, there);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // Nothing to throw away, or the first time.
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return;
    mkdirSync(trash, { recursive: true, mode: 0o700 });
    renameSync(path, there);
  }
  removeLater(there, failed);
}

/** Empties the trash of an engine that was killed. */
export function emptyTrash(trash: string, failed: Failed): void {
  try {
    for (const name of readdirSync(trash)) removeLater(join(trash, name), failed);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Names, and bytes: whoever looks at the free space does not see them. */
const FEW = { names: 100, bytes: 4 << 20 };

/**
 * Removes a directory that may hold much. Where it does not, nobody waits for it: the caller has made sure that what is left after a crash
 * is found. Else it is gone when this resolves, and so is what it took of the disk.
 */
export async function removeLarge(path: string, failed: Failed): Promise<void> {
  if (isLittle(path)) removeLater(path, failed, true);
  else await rm(path, { recursive: true, force: true });
}

function isLittle(path: string): boolean {
  try {
    return fits(Buffer.from(path), { ...FEW });
  } catch {
    return false;
  }
}

/** Looks no further than at what `left` allows. Names are bytes: a container's need not be UTF-8. */
function fits(directory: Buffer, left: { names: number; bytes: number }): boolean {
  for (const entry of readdirSync(directory, { withFileTypes: true, encoding: 'buffer' })) {
    const path = Buffer.concat([directory, Buffer.from('/'), entry.name]);
    left.names -= 1;
    if (entry.isFile()) left.bytes -= statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (left.names < 0 || left.bytes < 0) return false;
    if (entry.isDirectory() && !fits(path, left)) return false;
  }
  return true;
}
