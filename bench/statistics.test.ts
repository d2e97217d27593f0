import { expect, test } from 'vitest';
import { parseOptions, UsageError } from './options.ts';
import { median, table } from './statistics.ts';

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
