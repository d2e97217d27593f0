import { rmSync, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { timestampOf } from '../system/clock.ts';
import { mkdir, readFile, rename, stat, writeFile } from '../system/small-files.ts';

/** What conmon wrote when a container's process ended. */
export interface ExitNotice {
  id: string;
  code: number;
  /** RFC 3339: the time conmon wrote it */
  at: string;
}

const ID = /^[0-9a-f]{64}$/;

/** The exit file of a container, if conmon has written it. */
export async function readExit(directory: string, id: string): Promise<ExitNotice | undefined> {
  const file = join(directory, id);
  try {
    const [text, info] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
    const code = Number(text.trim());
    if (text.trim() === '' || !Number.isInteger(code)) return undefined;
    return { id, code, at: timestampOf(info.mtimeMs) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes what conmon would have: for a container whose conmon was killed. The watch tells of it as of any other. */
export async function writeExit(directory: string, id: string, code: number): Promise<void> {
  const draft = join(directory, `${id}.draft`);
  await writeFile(draft, String(code));
  await rename(draft, join(directory, id));
}

/** One that cannot be removed is of no harm: it counts only for a container that is recorded as running. */
export function forgetExit(directory: string, id: string): void {
  try {
    rmSync(join(directory, id), { force: true });
  } catch (error) {
    process.emitWarning(`the exit file of container ${id} stays: ${String(error)}`);
  }
}

/**
 * One inotify watch for all containers. `onExit` is called for each exit file that appears; those there before are not told of
 * (recovery reads them). A file may be told of more than once.
 */
export async function watchExits(
  directory: string,
  onExit: (notice: ExitNotice) => void,
  onError: (error: unknown) => void,
): Promise<() => void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const tell = (id: string) => {
    readExit(directory, id).then((notice) => notice && onExit(notice), onError);
  };
  const watcher = watch(directory, { persistent: true }, (_event, name) => {
    if (name !== null && ID.test(name)) tell(name);
    // The kernel dropped events: look at everything.
    else if (name === null)
      readdir(directory).then((names) => names.filter((entry) => ID.test(entry)).forEach(tell), onError);
  });
  watcher.on('error', onError);
  return () => watcher.close();
}
