import { watch, type FSWatcher } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Folders of a tree that are watched; more would take the kernel's memory and this process's time. */
export const MOST_FOLDERS = 8_192;
/** Too many folders; or the system gives this user no more watches. */
export type Limit = 'folders' | 'watches';
/** Never edited by hand, and large. */
const SKIPPED = new Set(['node_modules', '.git']);

/**
 * Tells the paths below a folder (or a file) that change. Linux: a watch for each folder, made without holding anybody up; elsewhere the
 * system watches trees itself. What was not there, or is no more, is told too.
 */
export class TreeWatcher {
  readonly #tell: (path: string) => void;
  readonly #limited: (why: Limit) => void;
  readonly #most: number;
  readonly #watchers = new Map<string, FSWatcher>();
  #closed = false;

  /** `limited` hears, once or more often, that not all of the tree is watched. */
  constructor(
    root: string,
    tell: (path: string) => void,
    limited: (why: Limit) => void = () => undefined,
    most = MOST_FOLDERS,
  ) {
    this.#tell = tell;
    this.#limited = limited;
    this.#most = most;
    if (process.platform === 'linux') void this.#walk(root);
    else this.#watch(root, true);
  }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  async #walk(path: string): Promise<void> {
    if (this.#closed || this.#watchers.has(path)) return;
    if (this.#watchers.size >= this.#most) return this.#limited('folders');
    this.#watch(path, false);
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    for (const entry of entries)
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) await this.#walk(join(path, entry.name));
  }

  #watch(path: string, recursive: boolean): void {
    try {
      const watcher = watch(path, { recursive }, (_kind, name) => void this.#event(path, name));
      watcher.on('error', () => this.#forget(path));
      this.#watchers.set(path, watcher);
    } catch (error) {
      // else it is gone already
      if (['ENOSPC', 'EMFILE'].includes((error as NodeJS.ErrnoException).code ?? '')) this.#limited('watches');
    }
  }

  async #event(folder: string, name: string | null): Promise<void> {
    const path = name === null ? folder : join(folder, name);
    const info = await lstat(path).catch(() => undefined);
    if (this.#closed) return;
    this.#tell(path);
    if (!info) this.#tell(dirname(path));
    if (!info) this.#forget(path);
    // what was put into a new folder before it was watched is told by the folder
    else if (info.isDirectory() && process.platform === 'linux' && !SKIPPED.has(name ?? '')) await this.#walk(path);
  }

  #forget(path: string): void {
    this.#watchers.get(path)?.close();
    this.#watchers.delete(path);
  }
}
