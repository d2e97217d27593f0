import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DockerFixture } from '../../docker-cli-fixture.ts';
import type { ExecOptions, ExecResult } from '../../system/exec.ts';

/** What the rows of one file share: an engine, two images, a directory of the host. */
export interface Bench extends DockerFixture {
  /** has an entrypoint, a command, variables, a volume, exposed ports, labels, a user's files; see bench.ts */
  rich: string;
  /** the block device that the host's files are on */
  disk: { path: string; numbers: string };
  /** of the host, empty at first, removed at the end */
  directory: string;
  /** `docker run --rm` without a network, of `sh -c SCRIPT` */
  sh(opts: Words, script: string, options?: ExecOptions): Promise<ExecResult>;
  /** what it wrote on stdout; throws where it fails */
  out(opts: Words, script: string): Promise<string>;
}

/** A command line: by spaces, or a list where a word holds one. */
export type Words = string | readonly string[];
export const wordsOf = (words: Words): string[] =>
  typeof words === 'string' ? words.split(' ').filter(Boolean) : [...words];

/**
 * One option of `docker run` and what it must bring about. Either `script` is run in a container made with `opts` (without a network
 * and removed afterwards), or `check` does all by itself.
 */
export interface OptionRow {
  /** long names without dashes, by spaces */
  option: string;
  /** the end of the sentence that begins with the option's name */
  does: string;
  opts?: Words | ((bench: Bench) => Words);
  script?: string;
  /** stdout, whole (text) or matching */
  out?: string | RegExp;
  /** in stderr */
  err?: string | RegExp;
  /** exit code; 0 unless given */
  code?: number;
  check?: (bench: Bench) => Promise<void>;
  /** needs a client of Docker 28: an older one says it in other words, or cannot */
  modern?: boolean;
}

/** Reads a limit of the container itself: `v1` below the hierarchies of version 1, `v2` in the only one of version 2. */
export const limit = (v1: string, v2: string): string =>
  `cd /sys/fs/cgroup; if [ -e cgroup.controllers ]; then cat ${v2}; else cat ${v1}; fi`;

/** A row that runs `script` and looks at what it says. */
export const shows = (
  option: string,
  does: string,
  opts: NonNullable<OptionRow['opts']>,
  script: string,
  out: string | RegExp,
): OptionRow => ({ option, does, opts, script, out });

/** A row whose options the client or the engine does not take; 125 is docker's code for that. */
export const refuses = (
  option: string,
  does: string,
  opts: NonNullable<OptionRow['opts']>,
  err: string | RegExp,
  code = 125,
): OptionRow => ({ option, does, opts, err, code });

export const inspect = async (bench: Bench, container: string, format: string): Promise<unknown> =>
  JSON.parse(await bench.ok('inspect', '-f', `{{json ${format}}}`, container)) as unknown;

/** A control group of the tests' own, for containers that are placed in one. */
export const GROUP = `/berth-rows-${process.pid}`;

/** Takes it away, with what is empty below it, in every hierarchy. */
export async function dropGroup(): Promise<void> {
  const root = '/sys/fs/cgroup';
  for (const hierarchy of ['', ...(await readdir(root))]) await removeGroups(join(root, hierarchy, GROUP));
}

async function removeGroups(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => []))
    if (entry.isDirectory()) await removeGroups(join(directory, entry.name));
  await rmdir(directory).catch(() => undefined);
}

export const modern = (row: OptionRow): OptionRow => ({ ...row, modern: true });
