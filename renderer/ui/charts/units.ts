import { formatBytes, formatPercent, formatRate } from '../format.ts';

/** How a graph's values are written, and how its axis is divided. */
export interface Unit {
  format: (value: number) => string;
  /** steps between lines of the axis that read well, smallest first */
  steps: number[];
  /** the axis reaches at least this far */
  floor: number;
}

const powers = (base: number, factors: number[], count: number): number[] =>
  Array.from({ length: count }, (_, power) => factors.map((factor) => factor * base ** power)).flat();

export const units = {
  percent: { format: formatPercent, steps: [1, 2, 5, 10, 20, 25, 50, 100, 200, 400, 800, 1600, 3200], floor: 5 },
  memory: {
    format: (value: number) => formatBytes(value, 1024),
    steps: powers(1024, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512], 5),
    floor: 1024 * 1024,
  },
  rate: { format: formatRate, steps: powers(10, [1, 2, 5], 13), floor: 1000 },
  count: { format: (value: number) => String(Math.round(value)), steps: powers(10, [1, 2, 5], 7), floor: 4 },
} satisfies Record<string, Unit>;
export type UnitName = keyof typeof units;

/**
 * The top of the axis: above the largest value, on a step that gives at most about four lines. A limit belongs on the graph only
 * when the values come near it; far below it they would be a flat line.
 */
export function axisTop(largest: number, unit: Unit, limit?: number): { top: number; step: number } {
  const showLimit = limit !== undefined && largest > limit * 0.4;
  const reach = Math.max(largest * 1.08, unit.floor, showLimit ? limit * 1.08 : 0);
  const step = unit.steps.find((candidate) => reach / candidate <= 4) ?? unit.steps.at(-1) ?? 1;
  return { top: Math.ceil(reach / step) * step, step };
}
