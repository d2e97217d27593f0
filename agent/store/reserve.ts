import { open, rm, stat } from 'node:fs/promises';

/** Bytes kept back: some hundred records. */
const SIZE = 4 * 2 ** 20;
/** Milliseconds between looks whether there is room for it again. */
const RETRY = 30_000;

let path: string | undefined;

/**
 * Keeps a file whose room records get when the disk is full: what a container that filled it did last, its end above all, is then still
 * written and told. One for the process. Gives how to stop.
 */
export function keepReserve(file: string, size = SIZE): () => void {
  path = file;
  const fill = () => void make(file, size).catch(() => undefined);
  fill();
  const timer = setInterval(fill, RETRY);
  timer.unref();
  return () => {
    clearInterval(timer);
    path = undefined;
  };
}

/** Whether there is more room now than before. */
export async function spendReserve(): Promise<boolean> {
  if (path === undefined) return false;
  return rm(path).then(
    () => true,
    () => false,
  );
}

/** All or nothing: one that is cut short helps nobody. Not zeros, which a disk may keep without any room. */
async function make(file: string, size: number): Promise<void> {
  if ((await stat(file).catch(() => undefined))?.size === size) return;
  const handle = await open(file, 'w', 0o600);
  try {
    await handle.writeFile(Buffer.alloc(size, 'reserve '));
    await handle.sync();
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}
