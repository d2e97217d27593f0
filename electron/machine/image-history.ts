import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Step } from '../contract/machine.ts';
import { DamagedImage, openImage, type MachineImage } from './image.ts';
import type { MachinePaths } from './paths.ts';
import { MachineError } from './types.ts';

/** An image that failed is tried again after this: milliseconds. */
const RETRY = 24 * 60 * 60 * 1000;

/** What is remembered of images between starts; `images.json`. Keys are of the images' contents. */
interface History {
  /** the last that got ready; its files are kept */
  good?: string;
  failed: { key: string; version: string; why: string; at: number }[];
}

export interface Attempted<T> {
  result: T;
  image: MachineImage;
  /** told to the user when another image than the one asked for runs */
  warning?: string;
}

/**
 * Starts the image, and keeps it as the last good one when it gets ready. When it does not, though the last good one does, that one runs
 * instead, and the other is not tried again for a day: an update that fails costs nothing but the try. The data disk is the same for all.
 */
export async function startNewest<T>(
  paths: MachinePaths,
  directory: string,
  attempt: (image: MachineImage) => Promise<T>,
  { now = Date.now, signal }: { now?: () => number; signal?: AbortSignal } = {},
): Promise<Attempted<T>> {
  const history = readHistory(paths.history);
  const key = keyOf(directory);
  const before = history.good !== undefined && history.good !== key ? join(paths.images, history.good) : undefined;
  const failed = history.failed.find((each) => each.key === key && now() - each.at < RETRY);
  if (failed && before) {
    const image = await openImage(before, paths.stamps);
    return { result: await attempt(image), image, warning: warning(failed.version, failed.why, image) };
  }
  let error: unknown;
  try {
    const image = await openImage(directory, paths.stamps);
    const result = await attempt(image);
    keep(paths, history, key, image, directory);
    return { result, image };
  } catch (reason) {
    error = reason;
  }
  if (before === undefined || signal?.aborted || !isTheImages(error)) throw error;
  const image = await openImage(before, paths.stamps).catch(() => {
    throw error;
  });
  const result = await attempt(image).catch(() => {
    throw error; // both fail: the cause is another
  });
  const why = (error as MachineError).message;
  const version = versionOf(directory);
  const others = history.failed.filter((each) => each.key !== key);
  writeHistory(paths.history, { ...history, failed: [...others, { key, version, why, at: now() }].slice(-10) });
  return { result, image, warning: warning(version, why, image) };
}

const warning = (version: string, why: string, image: MachineImage) =>
  `The new image of the machine (${version}) did not get ready: ${why}. The last one that did (${image.version}) runs instead. ` +
  'It is tried again after a day, or when it is another: berth machine build --refresh';

const IN_THE_GUEST: readonly Step[] = ['kernel', 'init', 'prepared', 'mounted', 'ssh', 'engine'];

/** A start that was given up, or lacks something of this host, says nothing about the image. */
function isTheImages(error: unknown): boolean {
  if (error instanceof DamagedImage) return true;
  return error instanceof MachineError && error.step !== undefined && IN_THE_GUEST.includes(error.step);
}

function keep(paths: MachinePaths, history: History, key: string, image: MachineImage, directory: string): void {
  if (history.good === key && existsSync(join(paths.images, key, 'manifest.json'))) return;
  const target = join(paths.images, key);
  const work = `${target}.new`;
  rmSync(work, { recursive: true, force: true });
  rmSync(target, { recursive: true, force: true });
  mkdirSync(work, { recursive: true, mode: 0o700 });
  for (const file of [image.kernel, image.initrd, image.root, join(directory, 'manifest.json')])
    linkOrCopy(file, join(work, file.slice(directory.length)));
  renameSync(work, target);
  writeHistory(paths.history, { good: key, failed: history.failed.filter((each) => each.key !== key) });
  for (const name of readdirSync(paths.images))
    if (name !== key) rmSync(join(paths.images, name), { recursive: true, force: true });
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to); // another file system
  }
}

/** The manifest has the digests of all parts, so its own digest stands for the image. */
function keyOf(directory: string): string {
  try {
    return createHash('sha256')
      .update(readFileSync(join(directory, 'manifest.json')))
      .digest('hex')
      .slice(0, 16);
  } catch {
    return ''; // openImage says what is wrong
  }
}

function versionOf(directory: string): string {
  try {
    return (JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as { version: string }).version;
  } catch {
    return 'unreadable';
  }
}

function readHistory(path: string): History {
  try {
    const { good, failed } = JSON.parse(readFileSync(path, 'utf8')) as History;
    return { good, failed: Array.isArray(failed) ? failed : [] };
  } catch {
    return { failed: [] };
  }
}

function writeHistory(path: string, history: History): void {
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(history, undefined, 2), { mode: 0o600 });
  renameSync(`${path}.${process.pid}`, path);
}
