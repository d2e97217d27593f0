import { lstat } from 'node:fs/promises';
import type { MountPoint } from '../../agent/api/container.ts';
import type { SharedFolder } from '../contract/machine.ts';
import { TreeWatcher } from './tree-watcher.ts';

/** Milliseconds that changes are collected, and the most paths that one batch tells. */
const COLLECT = 40;
const MOST = 512;

/**
 * Sets a file's time of change to what it is: the guest's kernel then tells a change of content to who watches there, and reads the file's
 * size anew. A time that changed meanwhile on the host is what the guest reads first.
 */
const NOTICE = 'while IFS= read -r f; do touch -c -m -r "$f" "$f"; done';

/** Runs a command line in the guest with this input. */
export type RunInGuest = (command: string, input: string) => Promise<unknown>;

/**
 * A guest does not hear of changes that are made on the host: its kernel did not make them. Folders that running containers have mounted
 * are watched here, and each change is repeated in the guest as one that changes nothing.
 */
export class FolderNotices {
  readonly #shares: readonly SharedFolder[];
  readonly #run: RunInGuest;
  /** by path: who has it mounted, and its watcher */
  readonly #watched = new Map<string, { users: Set<string>; watcher: TreeWatcher }>();
  /** by path: what it was when it was told; the telling itself comes back as a change */
  readonly #told = new Map<string, string>();
  readonly #pending = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(shares: readonly SharedFolder[], run: RunInGuest) {
    this.#shares = shares;
    this.#run = run;
  }

  /** What this container has mounted; nothing when it has ended. */
  set(id: string, mounts: readonly MountPoint[]): void {
    const paths = new Set(mounts.filter(({ Type }) => Type === 'bind').map(({ Source }) => Source));
    for (const [path, { users, watcher }] of this.#watched)
      if (!paths.has(path) && users.delete(id) && users.size === 0) {
        watcher.close();
        this.#watched.delete(path);
      }
    for (const path of paths) if (this.#isShared(path)) this.#use(path, id);
    if (this.#watched.size === 0) this.#told.clear();
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const { watcher } of this.#watched.values()) watcher.close();
    this.#watched.clear();
  }

  #isShared(path: string): boolean {
    return this.#shares.some((share) => path === share.path || path.startsWith(`${share.path}/`));
  }

  #use(path: string, id: string): void {
    const known = this.#watched.get(path);
    if (known) known.users.add(id);
    else
      this.#watched.set(path, { users: new Set([id]), watcher: new TreeWatcher(path, (each) => this.#changed(each)) });
  }

  #changed(path: string): void {
    if (path.includes('\n') || this.#pending.size >= MOST) return;
    this.#pending.add(path);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#last = this.#last.then(() => this.#send()).catch(() => undefined);
    }, COLLECT);
  }

  async #send(): Promise<void> {
    const paths = [...this.#pending];
    this.#pending.clear();
    const news: string[] = [];
    for (const path of paths) {
      const state = await stateOf(path);
      if (state === undefined || this.#told.get(path) === state) continue;
      this.#told.set(path, state);
      news.push(path);
    }
    if (news.length > 0) await this.#run(NOTICE, `${news.join('\n')}\n`);
  }
}

async function stateOf(path: string): Promise<string | undefined> {
  const info = await lstat(path, { bigint: true }).catch(() => undefined);
  return info && !info.isSymbolicLink() ? `${info.ino} ${info.size} ${info.mtimeNs}` : undefined;
}
