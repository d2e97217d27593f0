import { expect, test } from 'vitest';
import { RUN_OPTION_ROWS } from './testing/run-options/all-rows.ts';
import { clientOptions } from './testing/run-options/bench.ts';

const covered = new Set(RUN_OPTION_ROWS.flatMap((row) => row.option.split(' ')));

test('every option of docker run --help has a row', () => {
  const options = clientOptions();
  expect(options.length).toBeGreaterThan(90);
  expect(options.filter((option) => !covered.has(option))).toEqual([]);
});

test('no row is of an option that a client of our time does not have', () => {
  const options = clientOptions();
  // Rows of options that this client is too old for are left out where they run.
  if (options.includes('use-api-socket'))
    expect([...covered].filter((option) => !options.includes(option))).toEqual([]);
});
