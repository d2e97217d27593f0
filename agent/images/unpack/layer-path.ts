import { lstatSync, mkdirSync, readlinkSync } from 'node:fs';

/** A name or link that would leave the layer's directory. */
export class BreakoutError extends Error {}

const MAX_LINKS = 255;

/** For Node's calls: a string where it is plain ASCII, else the bytes (`path` is latin1, one character a byte). */
export function fsPath(path: string): string | Buffer {
  // eslint-disable-next-line no-control-regex
  return /^[\x00-\x7f]*$/.test(path) ? path : Buffer.from(path, 'latin1');
}

/**
 * Turns an archive's name into parts below the layer's root: "./a//b/../c" is ["a", "c"]. Absolute names count from the root.
 * Throws when it climbs out, or cannot be a file name.
 */
export function cleanParts(name: string): string[] {
  if (name.includes('\0')) throw new BreakoutError(`invalid name ${JSON.stringify(name)} in archive`);
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) throw new BreakoutError(`${JSON.stringify(name)} is outside of the layer`);
  }
  return parts;
}

/**
 * Finds where an entry goes, inside `root` whatever symbolic links the archive has put there: each part is looked at, and links are
 * followed as if `root` were `/` (chroot). Sound because nobody else writes below `root` meanwhile.
 */
export class LayerPaths {
  readonly #root: string;
  /** directories known to be real: path from the root, "" the root itself */
  readonly #directories = new Set<string>(['']);

  constructor(root: string) {
    this.#root = root;
  }

  /** Path on the machine (latin1) of the entry; its parents are there, made where they were missing. */
  locate(name: string): string {
    const parts = cleanParts(name);
    const last = parts.pop();
    if (last === undefined) return this.#root;
    return `${this.#root}${this.#parent(parts)}/${last}`;
  }

  /** To be called when the directory at `path` (from `locate`) was removed or replaced. */
  forget(path: string): void {
    const relative = path.slice(this.#root.length);
    for (const known of this.#directories)
      if (known === relative || known.startsWith(`${relative}/`)) this.#directories.delete(known);
    this.#directories.add('');
  }

  #parent(parts: readonly string[]): string {
    const direct = parts.length === 0 ? '' : `/${parts.join('/')}`;
    if (this.#directories.has(direct)) return direct;
    const todo = [...parts];
    let links = 0;
    let at = '';
    for (let part = todo.shift(); part !== undefined; part = todo.shift()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
        continue;
      }
      const next = `${at}/${part}`;
      if (this.#directories.has(next)) {
        at = next;
        continue;
      }
      const found = lstatSync(fsPath(this.#root + next), { throwIfNoEntry: false });
      if (found?.isSymbolicLink()) {
        if ((links += 1) > MAX_LINKS)
          throw new BreakoutError(`${JSON.stringify(direct)}: too many levels of symbolic links`);
        const target = readlinkSync(fsPath(this.#root + next), 'latin1');
        if (target.startsWith('/')) at = '';
        todo.unshift(...target.split('/'));
        continue;
      }
      if (!found) mkdirSync(fsPath(this.#root + next), 0o755);
      else if (!found.isDirectory())
        throw new BreakoutError(`${JSON.stringify(next.slice(1))} in archive is not a directory`);
      this.#directories.add(next);
      at = next;
    }
    return at;
  }
}
