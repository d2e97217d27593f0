import { closeSync, openSync, readSync, readdirSync, rmdirSync, writeSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { conflict } from '../api/errors.ts';

/**
 * Reading a cgroup file is answered from kernel memory in microseconds: a blocking read costs a tenth of a trip through the thread
 * pool, so these are synchronous.
 */
const buffer = Buffer.allocUnsafe(65_536);

/** The group or file is not there (any more), or the kernel has no answer for it. */
const ABSENT = new Set(['ENOENT', 'ENODEV', 'ENOTDIR', 'EOPNOTSUPP', 'ENXIO']);
export const isAbsent = (error: unknown) => ABSENT.has((error as NodeJS.ErrnoException).code ?? '');

/** The content from the start of an open file; a cgroup file is made anew for each read at offset 0. Undefined when its group is gone. */
export function readOpen(fd: number): string | undefined {
  try {
    let size = readSync(fd, buffer, 0, buffer.length, 0);
    let end = size;
    let text = buffer.toString('latin1', 0, size);
    // Only lists longer than the buffer (cgroup.procs of a fork bomb) come in parts.
    while (size > 0 && (size === buffer.length || !text.endsWith('\n'))) {
      size = readSync(fd, buffer, 0, buffer.length, end);
      end += size;
      text += buffer.toString('latin1', 0, size);
    }
    return text;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

export function openMaybe(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Undefined when there is no such file. */
export function readText(path: string): string | undefined {
  const fd = openMaybe(path);
  if (fd === undefined) return undefined;
  try {
    return readOpen(fd);
  } finally {
    closeSync(fd);
  }
}

/** "max" and what v1 writes for "no limit" (a page-aligned 2^63) are Infinity. */
export function parseLimit(text: string): number {
  const word = text.trim();
  if (word === 'max') return Infinity;
  const value = Number(word);
  return value >= 2 ** 62 ? Infinity : value;
}

export function readNumber(path: string): number | undefined {
  const text = readText(path);
  return text === undefined || text.trim() === '' ? undefined : parseLimit(text);
}

/** "name value" lines. */
export function parseFlat(text: string): Record<string, number> {
  const result: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0) result[line.slice(0, space)] = Number(line.slice(space + 1));
  }
  return result;
}

export const readFlat = (path: string): Record<string, number> => parseFlat(readText(path) ?? '');

/** One write(2): the kernel takes a cgroup file's value whole. */
export function writeValue(path: string, value: string | number): void {
  const fd = openSync(path, 'w');
  try {
    writeSync(fd, String(value));
  } finally {
    closeSync(fd);
  }
}

/** Directory of a group below a mount point. `path` cannot lead out of it. */
export const groupDirectory = (mountPoint: string, path: string) => join(mountPoint, normalize(`/${path}`));

export function subgroups(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** pids in the group and below. A group of threads only has none of its own to tell. */
export function collectProcesses(directory: string, into: Set<number> = new Set()): Set<number> {
  for (const line of (readText(join(directory, 'cgroup.procs')) ?? '').split('\n'))
    if (line !== '') into.add(Number(line));
  for (const name of subgroups(directory)) collectProcesses(join(directory, name), into);
  return into;
}

/** Tries, a hundredth of a second apart: processes that were just killed are still there for a moment, and the group for another. */
const PROCESS_PATIENCE = 10;
const GROUP_PATIENCE = 50;

/** Deepest first. */
export async function removeTree(directory: string): Promise<void> {
  for (const name of subgroups(directory)) await removeTree(join(directory, name));
  for (let attempt = 0; ; attempt++) {
    try {
      rmdirSync(directory);
      return;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (isAbsent(error)) return;
      if (code !== 'EBUSY' && code !== 'ENOTEMPTY') throw error;
      if (attempt >= GROUP_PATIENCE || (attempt >= PROCESS_PATIENCE && collectProcesses(directory).size > 0))
        throw conflict(`control group ${directory} still has processes in it`, error);
      await sleep(10);
    }
  }
}

/** Every readable file of a group, as text; values that would be huge are cut. */
export function readAll(directory: string, prefix: string, into: Record<string, string>): void {
  let names: string[];
  try {
    names = readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if (isAbsent(error)) return;
    throw error;
  }
  for (const name of names) {
    let text: string | undefined;
    try {
      text = readText(join(directory, name));
    } catch {
      // write-only files (cgroup.kill, memory.force_empty) and those that want an event descriptor
      continue;
    }
    if (text !== undefined) into[prefix + name] = text.length > 16_384 ? `${text.slice(0, 16_384)}…` : text.trimEnd();
  }
}
