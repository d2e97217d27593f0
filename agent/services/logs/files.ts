import { open, type FileHandle } from 'node:fs/promises';

/** One file of a log, kept open so that rotation cannot take it away. */
export interface LogFile {
  handle: FileHandle;
  /** tells files apart across renames */
  inode: bigint;
}

async function openLog(path: string): Promise<LogFile | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const { ino } = await handle.stat({ bigint: true });
  return { handle, inode: ino };
}

/**
 * Opens a log's files, oldest first; with `after`, only those newer than it. The newest is opened first: a rotation meanwhile moves
 * files to higher numbers, where they are met again and skipped, and none is missed. One number may be vacant while a rotation goes on:
 * that of the file being renamed, or `path` itself until conmon has opened a new one.
 */
export async function openLogFiles(path: string, after?: bigint): Promise<LogFile[]> {
  const files: LogFile[] = [];
  try {
    for (let number = 0, vacant = 0; vacant < 2; number++) {
      const file = await openLog(number === 0 ? path : `${path}.${number}`);
      if (file === undefined) {
        vacant++;
        continue;
      }
      vacant = 0;
      if (file.inode === after) {
        await file.handle.close();
        break;
      }
      if (files.some((known) => known.inode === file.inode)) await file.handle.close();
      else files.unshift(file);
    }
  } catch (error) {
    await closeLogFiles(files);
    throw error;
  }
  return files;
}

export const closeLogFiles = async (files: readonly LogFile[]) => {
  for (const file of files) await file.handle.close();
};
