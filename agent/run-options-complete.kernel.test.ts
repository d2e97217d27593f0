import { expect, test } from 'vitest';
import { exec } from './system/exec.ts';
import { RUN_OPTION_ROWS } from './testing/run-options/all-rows.ts';

/** "  -c, --cpu-shares int   CPU shares" */
const OPTION = /^ +(?:-\w, +)?--([a-z0-9-]+)/;

test('every option of docker run --help has a row, and no row is of an option that is not there', async () => {
  const { stdout } = await exec(['docker', 'run', '--help']);
  const options = stdout.split('\n').flatMap((line) => OPTION.exec(line)?.[1] ?? []);
  expect(options.length).toBeGreaterThan(90);
  const covered = new Set(RUN_OPTION_ROWS.flatMap((row) => row.option.split(' ')));
  expect(options.filter((option) => !covered.has(option))).toEqual([]);
  expect([...covered].filter((option) => !options.includes(option))).toEqual([]);
});
