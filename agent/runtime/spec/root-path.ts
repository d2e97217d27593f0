import type { Stats } from 'node:fs';
import * as files from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../../api/errors.ts';

/** As many symbolic links as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;

export interface Resolved {
  /** on the host, below the root (or the root itself) */
  path: string;
  /** as seen from inside: absolute, without links */
  inside: string;
  exists: boolean;
}

/** What looks at names and links: `small-files.ts` where `root` is on a disk of the engine's own. */
export interface LinkReader {
  lstat(path: string): Promise<Stats>;
  readlink(path: string): Promise<string>;
}

/**
 * Resolves `path` as a process with `root` as its root directory would: links are read here and start again at `root`, `..` stops
 * there. What does not exist is taken as it is written. The last component is followed unless `follow` is false.
 * Nothing is opened, so the answer holds as long as nobody who may write below `root` changes it meanwhile.
 */
export async function resolveInRoot(
  root: string,
  path: string,
  follow = true,
  { lstat, readlink }: LinkReader = files,
): Promise<Resolved> {
  const pending = path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .reverse();
  const done: string[] = [];
  let links = 0;
  let exists = true;
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part === '..') {
      done.pop();
      exists = true;
      continue;
    }
    const host = join(root, ...done, part);
    const stats = exists ? await lstat(host).catch(absent) : undefined;
    if (!stats) exists = false;
    if (stats?.isSymbolicLink() && (follow || pending.length > 0)) {
      if (++links > MAX_LINKS) throw new EngineError('system', `too many levels of symbolic links: ${path}`);
      const target = await readlink(host);
      if (target.startsWith('/')) done.length = 0;
      pending.push(
        ...target
          .split('/')
          .filter((item) => item !== '' && item !== '.')
          .reverse(),
      );
      continue;
    }
    done.push(part);
  }
  if (done.length === 0) exists = true;
  return { path: join(root, ...done), inside: `/${done.join('/')}`, exists };
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
