import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { MountPoint } from '../../agent/api/container.ts';
import type { FolderReport } from '../contract/machine.ts';
import { MOST_FOLDERS, TreeWatcher, type Limit } from './tree-watcher.ts';
import type { FolderShare } from './types.ts';

/** Milliseconds that changes are collected, and how many files one batch tells singly: of more, their folders are told. */
const COLLECT = 40;
const MOST = 512;

/**
 * For each path: a link to it that is bound to fail (it is there, or the other file is on another file system) makes the guest ask this
 * host what has that name now, though it knew a moment ago; an editor's rename would be told, and the old content read. Then its time of
 * change is set to what it is: the guest's kernel tells a change of content to who watches there, and reads the size anew. A time that
 * changed meanwhile on the host is what the guest reads first.
 */
const NOTICE =
  'while IFS= read -r f; do link /run/berth/folders "$f" 2>/dev/null; [ -e "$f" ] && touch -c -m -r "$f" "$f"; done; :';

/**
 * For 9p, whose times have whole seconds in the guest, so that setting one would change it: the mode is set to what it is, which is told as a
 * change of attributes. Names are asked for each time.
 */
const NOTICE_9P = 'while IFS= read -r f; do [ -e "$f" ] && chmod "$(stat -c %a "$f")" "$f"; done; :';

/** Runs a command line in the guest with this input. */
export type RunInGuest = (command: string, input: string) => Promise<unknown>;

/**
 * A guest does not hear of changes that are made on the host: its kernel did not make them. Folders that running containers have mounted
 * are watched here, and each change is repeated in the guest as one that changes nothing.
 */
export class FolderNotices {
  readonly #shares: readonly Pick<FolderShare, 'path' | 'how'>[];
  readonly #run: RunInGuest;
  readonly #limited: (limits: ReadonlyMap<string, Limit>) => void;
  /** by path: who has it mounted, and its watcher */
  readonly #watched = new Map<string, { users: Set<string>; watcher: TreeWatcher }>();
  /** by path: what it was when it was told; the telling itself comes back as a change */
  readonly #told = new Map<string, string>();
  /** by path: why not all below it is watched */
  readonly #limits = new Map<string, Limit>();
  #pending = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** `limited` hears each time when it is another set of paths below which not all is watched. */
  constructor(
    shares: readonly Pick<FolderShare, 'path' | 'how'>[],
    run: RunInGuest,
    limited: (limits: ReadonlyMap<string, Limit>) => void = () => undefined,
  ) {
    this.#shares = shares;
    this.#run = run;
    this.#limited = limited;
  }

  /** What this container has mounted; nothing when it has ended. */
  set(id: string, mounts: readonly MountPoint[]): void {
    const paths = new Set(mounts.filter(({ Type }) => Type === 'bind').map(({ Source }) => Source));
    for (const [path, { users, watcher }] of this.#watched)
      if (!paths.has(path) && users.delete(id) && users.size === 0) {
        watcher.close();
        this.#watched.delete(path);
        if (this.#limits.delete(path)) this.#limited(this.#limits);
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
    if (known) {
      known.users.add(id);
      return;
    }
    const limited = (why: Limit) => {
      if (this.#limits.get(path) === why) return;
      this.#limits.set(path, why);
      this.#limited(this.#limits);
    };
    const watcher = new TreeWatcher(path, (each) => this.#changed(each), limited);
    this.#watched.set(path, { users: new Set([id]), watcher });
  }

  #changed(path: string): void {
    if (path.includes('\n')) return;
    this.#pending.add(this.#pending.size < MOST ? path : dirname(path));
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const paths = this.#pending;
      this.#pending = new Set();
      this.#last = this.#last.then(() => this.#send(paths)).catch(() => undefined);
    }, COLLECT);
  }

  async #send(paths: ReadonlySet<string>): Promise<void> {
    const news: string[] = [];
    for (const path of paths) {
      const state = await stateOf(path);
      if (state === undefined || this.#told.get(path) === state) continue;
      this.#told.set(path, state);
      news.push(path);
    }
    const notice = this.#shares.some(({ how }) => how === '9p') ? NOTICE_9P : NOTICE;
    if (news.length > 0) await this.#run(notice, `${news.join('\n')}\n`);
  }
}

/** Undefined for what is not told: setting a link's time would set that of the file it leads to. */
async function stateOf(path: string): Promise<string | undefined> {
  const info = await lstat(path, { bigint: true }).catch(() => undefined);
  if (!info) return 'gone';
  return info.isSymbolicLink() ? undefined : `${info.ino} ${info.size} ${info.mtimeNs}`;
}

/** What is told of folders, with what cannot be told at present. */
export function withLimits(reports: readonly FolderReport[], limits: ReadonlyMap<string, Limit>): FolderReport[] {
  return reports.map((report) => {
    const here = [...limits].filter(([path]) => path === report.path || path.startsWith(`${report.path}/`));
    if (report.state === 'failed' || here.length === 0) return report;
    const words = here.map(([path, why]) =>
      why === 'folders'
        ? `below ${path} only the first ${MOST_FOLDERS.toLocaleString('en')} folders are watched`
        : `below ${path} not all is watched, since this system gives no more watches (fs.inotify.max_user_watches)`,
    );
    return { ...report, notifyLimit: [report.notifyLimit, ...words].filter(Boolean).join('; ') };
  });
}
