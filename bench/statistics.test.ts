import { expect, test } from 'vitest';
import { parseOptions, UsageError } from './options.ts';
import { aims, median, table, type CaseResult } from './statistics.ts';

test('median of odd, even and no values', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test('the table compares each engine with the first, and shows what failed', () => {
  const result = {
    case: 'run',
    unit: 'ms',
    engines: {
      berth: { samples: [100], median: 100 },
      dockerd: { samples: [250], median: 250 },
      podman: { error: 'no' },
    },
  };
  expect(table([result], ['berth', 'dockerd', 'podman'])).toBe(
    [
      'case  unit  berth  dockerd  podman  dockerd/berth  podman/berth',
      'run     ms    100      250       -          2.50x             -',
    ].join('\n'),
  );
});

test('options: defaults, lists, and what is refused', () => {
  expect(parseOptions([])).toMatchObject({ engines: ['berth', 'dockerd', 'podman'], cases: [], reps: 11 });
  expect(parseOptions(['--engines', 'berth,podman', '--cases', 'exec', '--reps', '3'])).toMatchObject({
    engines: ['berth', 'podman'],
    cases: ['exec'],
    reps: 3,
  });
  expect(() => parseOptions(['--reps', '0'])).toThrow(UsageError);
  expect(() => parseOptions(['--nonsense'])).toThrow(UsageError);
});

test('aims: against other engines, against another case, and absolute', () => {
  const of = (median: number) => ({ samples: [median], median });
  const results: CaseResult[] = [
    { case: 'run', unit: 'ms', engines: { berth: of(100), dockerd: of(400), podman: of(150) } },
    { case: 'run-500', unit: 'ms', engines: { berth: of(110), dockerd: of(500) } },
    { case: 'idle-cpu', unit: '%', engines: { berth: of(0.6), podman: { error: 'no' } } },
    { case: 'ps', unit: 'ms', engines: { berth: of(1) } },
  ];
  const wanted = {
    run: { dockerd: 0.3, podman: 0.5 },
    'run-500': { own: { case: 'run', times: 1.25 } },
    'idle-cpu': { most: 0.5 },
  };
  expect(aims(results, wanted)).toEqual([
    { line: 'run          / dockerd  0.25, aim 0.3: reached', reached: true },
    { line: 'run          / podman   0.67, aim 0.5: MISSED', reached: false },
    { line: 'run-500      / run      1.10, aim 1.25: reached', reached: true },
    { line: 'idle-cpu                0.60 %, aim 0.5 %: MISSED', reached: false },
  ]);
});
