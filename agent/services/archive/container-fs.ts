import { closeSync, constants, fstatSync, openSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { EngineError } from '../../api/errors.ts';

/** <asm-generic/fcntl.h>; Node does not name it */
const O_PATH = 0o10000000;
const HANDLE = O_PATH | constants.O_NOFOLLOW;
/** path_resolution(7) */
const MAX_LINKS = 40;

/** A latin1 string (one character a byte) as Node's calls want it: file names are bytes. */
export const bytes = (text: string) => Buffer.from(text, 'latin1');
/** What the wire says (UTF-8) in this form, and back. */
export const fromWire = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
export const toWire = (text: string) => bytes(text).toString('utf8');

/** An open place in the container: `fd` is O_PATH, so nothing was opened for reading or writing, and it cannot be exchanged. */
export class Place {
  readonly fd: number;
  /** as seen from inside, without links (latin1) */
  readonly inside: string;
  readonly stats: Stats;
  /** owners on disk are the container's own, whatever its user namespace makes of others */
  readonly plain: boolean;

  constructor(fd: number, inside: string, plain = false) {
    this.fd = fd;
    this.inside = inside;
    this.plain = plain;
    this.stats = fstatSync(fd);
  }

  /** The place itself, for calls that follow links: this one ends at the open handle. */
  get path() {
    return `/proc/self/fd/${this.fd}`;
  }
  /** A name in this directory. For calls that do not follow a link at the end. */
  child(name: string): Buffer {
    return bytes(`${this.path}/${name}`);
  }
  close(): void {
    closeSync(this.fd);
  }
}

/** What is mounted in a container: its path on the machine, and whether its files have the container's ids (see Place). */
export interface Mounted {
  path: string;
  plain: boolean;
}

/** Where a path led: the place, or the last directory that is there and what is missing in it. */
export interface Found {
  place: Place | undefined;
  /** as seen from inside, also when it is missing */
  inside: string;
}

/**
 * A container's files without ever leaving them: every component is opened relative to the handle of its directory without following
 * links (as openat2(2) with RESOLVE_IN_ROOT); links are read and start again at this root. A process in the container that exchanges
 * directories for links meanwhile gains nothing.
 */
export class ContainerFs {
  readonly #rootFd: number;
  readonly #mounts: ReadonlyMap<string, Mounted>;

  /** `mounts`: what is mounted at a path (from inside) but not in the tree at `root`, or has to be reached otherwise. */
  constructor(root: string, mounts: ReadonlyMap<string, Mounted> = new Map()) {
    this.#rootFd = openSync(root, O_PATH | constants.O_DIRECTORY);
    this.#mounts = mounts;
  }

  close(): void {
    closeSync(this.#rootFd);
  }

  root(): Place {
    return new Place(openSync(`/proc/self/fd/${this.#rootFd}/.`, O_PATH | constants.O_DIRECTORY), '/');
  }

  /** `name` in `directory`, a link not followed; undefined when it is not there. The caller closes it. */
  enter(directory: Place, name: string): Place | undefined {
    const inside = directory.inside === '/' ? `/${name}` : `${directory.inside}/${name}`;
    const mounted = this.#mounts.get(inside);
    try {
      // What is mounted there is named by the user or the engine, not by the container.
      const fd = mounted === undefined ? openSync(directory.child(name), HANDLE) : openSync(mounted.path, O_PATH);
      return new Place(fd, inside, (mounted ?? directory).plain);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      if (code === 'ENAMETOOLONG')
        throw new EngineError('invalid-parameter', `lstat ${toWire(inside)}: file name too long`, error);
      throw error;
    }
  }

  /** Names in a directory (latin1), sorted; with what is mounted there. */
  names(directory: Place): string[] {
    const names = new Set(readdirSync(directory.path, { encoding: 'latin1' }));
    const prefix = directory.inside === '/' ? '/' : `${directory.inside}/`;
    for (const target of this.#mounts.keys())
      if (target.startsWith(prefix) && !target.slice(prefix.length).includes('/'))
        names.add(target.slice(prefix.length));
    return [...names].sort();
  }

  readLink(directory: Place, name: string): string {
    return readlinkSync(directory.child(name), { encoding: 'latin1' });
  }

  /** Where `path` leads from `start` (default: the root). Its last component is followed unless `follow` is false. */
  find(path: string, follow = true, start?: Place): Found {
    const todo = parts(path).reverse();
    // the directories we are in, the root first: `..` goes back to one of these and never to the parent that the disk names
    const stack: Place[] = [this.root()];
    try {
      if (start) for (const name of parts(start.inside)) stack.push(this.#must(stack, name));
      let links = 0;
      for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
        const here = stack[stack.length - 1] as Place;
        if (name === '..') {
          if (stack.length > 1) stack.pop()?.close();
          continue;
        }
        const next = this.enter(here, name);
        if (!next) return { place: undefined, inside: joinInside(here.inside, [name, ...todo.reverse()]) };
        if (next.stats.isSymbolicLink() && (follow || todo.length > 0)) {
          next.close();
          if ((links += 1) > MAX_LINKS)
            throw new EngineError('invalid-parameter', `${toWire(path)}: too many levels of symbolic links`);
          const target = this.readLink(here, name);
          if (target.startsWith('/')) while (stack.length > 1) stack.pop()?.close();
          todo.push(...parts(target).reverse());
          continue;
        }
        stack.push(next);
      }
      const place = stack.pop() as Place;
      return { place, inside: place.inside };
    } finally {
      for (const place of stack) place.close();
    }
  }

  #must(stack: readonly Place[], name: string): Place {
    const next = this.enter(stack[stack.length - 1] as Place, name);
    if (!next) throw new EngineError('not-found', `${toWire(name)} is gone`);
    return next;
  }
}

const parts = (path: string) => path.split('/').filter((part) => part !== '' && part !== '.');

function joinInside(base: string, rest: readonly string[]): string {
  const out = parts(base);
  for (const part of rest) {
    if (part === '..') out.pop();
    else out.push(part);
  }
  return `/${out.join('/')}`;
}
