import { invalid } from '../../api/errors.ts';
import type { Ulimit } from '../../api/container.ts';
import type { KernelFacts } from '../types.ts';

/** As `docker run --ulimit` knows them (go-units). */
const NAMES: ReadonlySet<string> = new Set(
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' '),
);

/** RLIM_INFINITY (2^64 - 1) does not fit a JavaScript number, and both runtimes want it to the digit. */
const UNLIMITED = Infinity;
const RLIM_INFINITY = (JSON as unknown as { rawJSON(text: string): number }).rawJSON('18446744073709551615');
const written = (value: number) => (value === UNLIMITED ? RLIM_INFINITY : value);

export function checkUlimits(ulimits: readonly Ulimit[] | null | undefined): void {
  for (const { Name, Soft, Hard } of ulimits ?? []) {
    if (!NAMES.has(Name.toLowerCase())) throw invalid(`invalid ulimit type: ${Name}`);
    if (Hard !== -1 && (Soft === -1 || Soft > Hard))
      throw invalid(
        `ulimit soft limit must be less than or equal to hard limit: ${Soft === -1 ? 'soft: -1 (unlimited)' : Soft} > ${Hard}`,
      );
  }
}

/**
 * The limits to set, clamped to what this process may give: without CAP_SYS_RESOURCE a hard limit cannot go above the inherited one
 * (setrlimit(2)), and nothing goes above fs.nr_open for open files.
 */
export function rlimitsOf(
  ulimits: readonly Ulimit[] | null | undefined,
  facts: KernelFacts,
): { type: string; soft: number; hard: number }[] {
  const free = facts.capabilities.has('CAP_SYS_RESOURCE');
  return (ulimits ?? []).map(({ Name, Soft, Hard }) => {
    const name = Name.toLowerCase();
    const inherited = name === 'nofile' ? facts.maxNofile : (facts.hardLimits?.[name] ?? UNLIMITED);
    const ceiling =
      free && name !== 'nofile' ? UNLIMITED : free ? Math.max(inherited, facts.maxOpenFiles ?? inherited) : inherited;
    const hard = Math.min(Hard < 0 ? UNLIMITED : Hard, ceiling);
    return {
      type: `RLIMIT_${name.toUpperCase()}`,
      soft: written(Math.min(Soft < 0 ? UNLIMITED : Soft, hard)),
      hard: written(hard),
    };
  });
}
