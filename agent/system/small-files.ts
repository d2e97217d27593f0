import { lstatSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { MakeDirectoryOptions, RmOptions, Stats } from 'node:fs';

/**
 * Like those of `node:fs/promises`, but done when they return. For the engine's own small files on a local disk: a call takes some 20 µs,
 * while the thread pool takes two changes of thread for each step of each (six steps to read a file), and on a busy machine each of
 * these waits for a processor. Not for what may be large, or on a file system of somebody else's that may hang.
 */
const now =
  <A extends unknown[], R>(call: (...args: A) => R) =>
  async (...args: A): Promise<R> =>
    call(...args);

export const readFile: (path: string, encoding: 'utf8') => Promise<string> = now((path, encoding) =>
  readFileSync(path, encoding),
);
export const writeFile: (path: string, content: string | Uint8Array, options?: { mode: number }) => Promise<void> = now(
  (path, content, options) => writeFileSync(path, content, options),
);
export const mkdir: (path: string, options: MakeDirectoryOptions) => Promise<unknown> = now((path, options) =>
  mkdirSync(path, options),
);
export const rename: (from: string, to: string) => Promise<void> = now((from, to) => renameSync(from, to));
export const rm: (path: string, options?: RmOptions) => Promise<void> = now((path, options) => rmSync(path, options));
export const stat: (path: string) => Promise<Stats> = now((path) => statSync(path));
export const lstat: (path: string) => Promise<Stats> = now((path) => lstatSync(path));
export const readlink: (path: string) => Promise<string> = now((path) => readlinkSync(path));
