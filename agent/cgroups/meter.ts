import { closeSync } from 'node:fs';
import { openMaybe, readOpen } from './files.ts';
import type { LimitsInForce } from './limits.ts';
import type { CgroupDriver } from './types.ts';

/** What a graph needs of a group, as counters since its making. Sizes in bytes, CPU time in nanoseconds. */
export interface MeterReading {
  cpu: number;
  periods: number;
  throttledPeriods: number;
  /** without the page cache that can be dropped at once, as the docker command shows it */
  memory: number;
  /** Infinity when there is none */
  memoryLimit: number;
  pids: number;
  readBytes: number;
  writeBytes: number;
}

/** A group kept open for reading again and again: one pread(2) a file, no look-up of names. */
export interface CgroupMeter {
  /** Undefined when the group is gone. */
  read(): MeterReading | undefined;
  close(): void;
}

/** A driver that also meters cheaply. */
export interface MeteredCgroups extends CgroupDriver {
  meter(path: string): CgroupMeter;
  /** Limits in force on the group itself; all null when it is gone. */
  limits(path: string): LimitsInForce;
  /** Names of the groups below `path`. */
  children(path: string): string[];
  /** Directory of the group, for its pressure files; undefined where the unified hierarchy does not have it. */
  unified(path: string): string | undefined;
}

/** Files of one group, opened at the first reading that finds them. */
export class OpenFiles {
  readonly #fds = new Map<string, number | undefined>();

  text(path: string): string | undefined {
    let fd = this.#fds.get(path);
    if (fd === undefined) {
      if (this.#fds.has(path)) return undefined;
      fd = openMaybe(path);
      this.#fds.set(path, fd);
      if (fd === undefined) return undefined;
    }
    return readOpen(fd);
  }

  close(): void {
    for (const fd of this.#fds.values()) if (fd !== undefined) closeSync(fd);
    this.#fds.clear();
  }
}

/** The value after `name` in "name value" lines, without splitting the whole; 0 when it is not there. */
export function flatValue(text: string | undefined, name: string): number {
  if (text === undefined) return 0;
  let at = text.startsWith(`${name} `) ? 0 : text.indexOf(`\n${name} `) + 1;
  if (at === 0 && !text.startsWith(`${name} `)) return 0;
  at += name.length + 1;
  const end = text.indexOf('\n', at);
  return Number(end < 0 ? text.slice(at) : text.slice(at, end));
}
