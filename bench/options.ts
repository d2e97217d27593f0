import { parseArgs } from 'node:util';

export interface BenchOptions {
  engines: string[];
  /** empty: all */
  cases: string[];
  /** measured repetitions; slow cases take fewer */
  reps: number;
  /** where the results go as JSON; '' for standard output, after the table */
  json: string;
  list: boolean;
  help: boolean;
}

export const USAGE = `Usage: npm run bench -- [--engines berth,dockerd,podman] [--cases NAME,…] [--reps N] [--json FILE] [--list]
Runs the engines that are installed side by side, in network, mount and process namespaces of their own, on the same images and
with the same docker client, and prints medians and ratios. Needs root.`;

export class UsageError extends Error {}

export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parse(args);
  const names = (text: string | undefined) =>
    (text ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean);
  const reps = Number(values.reps ?? 11);
  if (!Number.isInteger(reps) || reps < 1 || reps > 1000)
    throw new UsageError(`--reps: a number from 1 to 1000, not ${values.reps}`);
  const engines = names(values.engines);
  return {
    engines: engines.length > 0 ? engines : ['berth', 'dockerd', 'podman'],
    cases: names(values.cases),
    reps,
    json: values.json ?? '',
    list: values.list ?? false,
    help: values.help ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        engines: { type: 'string' },
        cases: { type: 'string' },
        reps: { type: 'string' },
        json: { type: 'string' },
        list: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
