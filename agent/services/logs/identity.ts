import { open, type FileHandle } from 'node:fs/promises';

/** An inode number is used again; together with the time its file was born it is not. */
export async function identityOf(handle: FileHandle): Promise<string> {
  const { ino, birthtimeNs } = await handle.stat({ bigint: true });
  return `${ino}:${birthtimeNs}`;
}

/** Undefined when there is none. */
export async function openMaybe(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
