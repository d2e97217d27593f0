import { close, open } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Of all containers together: each is an open file of this process, which may have 4,096. */
const MOST = 2_000;
/** Never edited by hand, and large; nothing is told there anyway. */
const SKIPPED = new Set(['node_modules', '.git']);
/** Milliseconds that a container's start waits; what is left goes on beside it. */
const PATIENCE = 1_000;

const openFolder = promisify(open);
let held = 0;

/**
 * Folders of the user's computer that are here by 9p: the kernel makes another inode of a folder each time when its name is looked up while
 * nobody uses it, and who watches one hears nothing of what is told of the next. So those that a container has mounted are kept in use,
 * from before it runs until it has ended.
 */
export class HeldFolders {
  readonly #open: number[] = [];
  #closed = false;

  /** Resolves when all are held, or it has taken too long. Never rejects: at worst, less is told to watchers. */
  async hold(sources: readonly string[]): Promise<void> {
    if (sources.length === 0) return;
    const walked = (async () => {
      for (const source of sources) await this.#walk(source);
    })();
    const late = new Promise<void>((done) => setTimeout(done, PATIENCE).unref());
    await Promise.race([walked, late]);
  }

  /** May be called while they are still being opened. */
  close(): void {
    this.#closed = true;
    for (const fd of this.#open.splice(0)) this.#release(fd);
  }

  #release(fd: number): void {
    held -= 1;
    close(fd, () => undefined);
  }

  async #walk(path: string): Promise<void> {
    if (this.#closed || held >= MOST) return;
    held += 1;
    const fd = await openFolder(path, 'r').catch(() => undefined);
    if (fd === undefined) {
      held -= 1;
      return;
    }
    if (this.#closed) return this.#release(fd);
    this.#open.push(fd);
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    for (const entry of entries)
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) await this.#walk(join(path, entry.name));
  }
}
