import type { Aim } from './cases/types.ts';

/** The middle value; of an even count the mean of the two. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = sorted.length % 2 === 1 ? [sorted[middle], sorted[middle]] : [sorted[middle - 1], sorted[middle]];
  return low === undefined || high === undefined ? NaN : (low + high) / 2;
}

export interface CaseResult {
  case: string;
  unit: string;
  /** by engine: every measured value, or why there is none */
  engines: Record<string, { samples: number[]; median: number } | { error: string }>;
}

const text = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(1));

/** A line a case: medians, and how many times the other engines' is of the first's (more than 1: the first is better). */
export function table(results: readonly CaseResult[], engines: readonly string[]): string {
  const [first, ...others] = engines;
  const head = ['case', 'unit', ...engines, ...others.map((name) => `${name}/${first}`)];
  const rows = results.map((result) => {
    const medians = engines.map((name) => {
      const value = result.engines[name];
      return value && 'median' in value ? value.median : undefined;
    });
    const [own, ...rest] = medians;
    return [
      result.case,
      result.unit,
      ...medians.map((value) => (value === undefined ? '-' : text(value))),
      ...rest.map((value) => (value === undefined || own === undefined ? '-' : `${(value / own).toFixed(2)}x`)),
    ];
  });
  const all = [head, ...rows];
  const widths = head.map((_cell, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => (column < 1 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
}

/** One line for each thing aimed at: what it is, and whether it was reached. What was not measured is left out. */
export function aims(
  results: readonly CaseResult[],
  wanted: Readonly<Record<string, Aim | undefined>>,
): { line: string; reached: boolean }[] {
  const medianOf = (name: string, engine: string) => {
    const value = results.find((result) => result.case === name)?.engines[engine];
    return value && 'median' in value ? value.median : undefined;
  };
  return results.flatMap((result) => {
    const own = medianOf(result.case, 'berth');
    const aim = wanted[result.case];
    if (own === undefined || !aim) return [];
    const judge = (what: string, value: number | undefined, most: number, unit = '') => {
      if (value === undefined) return [];
      const reached = value <= most;
      const line = `${result.case.padEnd(12)} ${what.padEnd(10)} ${value.toFixed(2)}${unit}, aim ${most}${unit}: ${reached ? 'reached' : 'MISSED'}`;
      return [{ line, reached }];
    };
    const ratio = (other: number | undefined) => other && own / other;
    return [
      ...judge('/ dockerd', ratio(medianOf(result.case, 'dockerd')), aim.dockerd ?? Infinity),
      ...judge('/ podman', ratio(medianOf(result.case, 'podman')), aim.podman ?? Infinity),
      ...(aim.own ? judge(`/ ${aim.own.case}`, ratio(medianOf(aim.own.case, 'berth')), aim.own.times) : []),
      ...(aim.most === undefined ? [] : judge('', own, aim.most, ` ${result.unit}`)),
    ].filter(({ line }) => !line.includes('Infinity'));
  });
}
