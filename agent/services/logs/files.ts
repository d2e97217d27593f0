import { open, rm, type FileHandle } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { openCompressed } from './compressed.ts';
import { identityOf, openMaybe } from './identity.ts';

/** One file of a log, kept open so that rotation cannot take it away. */
export interface LogFile {
  /** tells files apart across renames and compression */
  readonly identity: string;
  /** bytes */
  size(): Promise<number>;
  /** Fills `into` from `at` on; gives how many bytes there were, 0 at the end. */
  read(into: Buffer, at: number, length: number, position: number): Promise<number>;
  close(): Promise<void>;
}

/** What a file stands for: a log that was cut to size has another file, but is the same log to those who read it. */
export type Canonical = (identity: string) => string;
const itself: Canonical = (identity) => identity;

async function openPlain(path: string): Promise<LogFile | undefined> {
  const handle = await openMaybe(path);
  if (handle === undefined) return undefined;
  return {
    identity: await identityOf(handle),
    size: async () => (await handle.stat()).size,
    read: async (into, at, length, position) => (await handle.read(into, at, length, position)).bytesRead,
    close: () => handle.close(),
  };
}

/** A compressed file is unpacked when it is first read: a look at the end of a log needs no more than the newest. */
async function openGzip(path: string): Promise<LogFile | undefined> {
  const packed = await openCompressed(path);
  if (packed === undefined) return undefined;
  let unpacked: Promise<FileHandle> | undefined;
  const plain = () => (unpacked ??= unpack());
  const unpack = async () => {
    const draft = `${path}.${randomBytes(4).toString('hex')}.draft`;
    const handle = await open(draft, 'wx+', 0o600);
    try {
      // Without a name it goes by itself, also when the engine is killed.
      await rm(draft);
      await packed.unpack(handle);
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  };
  return {
    identity: packed.identity,
    size: async () => (await (await plain()).stat()).size,
    read: async (into, at, length, position) => (await (await plain()).read(into, at, length, position)).bytesRead,
    close: async () => {
      await packed.close();
      await unpacked?.then((handle) => handle.close()).catch(() => undefined);
    },
  };
}

/**
 * Opens a log's files, oldest first; with `after`, only those newer than it. One number may be vacant: that of a file an engine was
 * killed in renaming, or `path` itself until conmon has opened a new one.
 */
export async function openLogFiles(path: string, after?: string, canonical: Canonical = itself): Promise<LogFile[]> {
  const files: LogFile[] = [];
  try {
    for (let number = 0, vacant = 0; vacant < 2; number++) {
      const file = number === 0 ? await openPlain(path) : await openNumbered(`${path}.${number}`);
      if (file === undefined) {
        vacant++;
        continue;
      }
      vacant = 0;
      if (after !== undefined && canonical(file.identity) === canonical(after)) {
        await file.close();
        break;
      }
      if (files.some((known) => known.identity === file.identity)) await file.close();
      else files.unshift(file);
    }
  } catch (error) {
    await closeLogFiles(files);
    throw error;
  }
  return files;
}

/** Both are there when an engine was killed between packing a file and removing it. */
const openNumbered = async (path: string) => (await openPlain(path)) ?? (await openGzip(`${path}.gz`));

export const closeLogFiles = async (files: readonly LogFile[]) => {
  for (const file of files) await file.close();
};
