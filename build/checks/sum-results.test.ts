import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('sum-results.ts', import.meta.url));

describe('the sum of a test run', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'berth-sum-'))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const test = (fullName: string, status: string) => ({ fullName, status });
  const unit = (tests: ReturnType<typeof test>[], file: object = {}) =>
    JSON.stringify({
      numPassedTests: tests.filter(({ status }) => status === 'passed').length,
      numFailedTests: tests.filter(({ status }) => status === 'failed').length,
      numPendingTests: 0,
      testResults: [{ name: 'a.test.ts', status: 'passed', message: '', assertionResults: tests, ...file }],
    });
  const sum = (parts: string, files: Record<string, string> = {}) => {
    writeFileSync(join(directory, 'parts'), parts);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    const { stdout, status } = spawnSync(process.execPath, [script, directory], { encoding: 'utf8' });
    return { last: stdout.trimEnd().split('\n').at(-1), stdout, status };
  };

  it('adds unit and end-to-end tests; skipped ones are not passed', () => {
    const e2e = JSON.stringify({ stats: { expected: 3, unexpected: 0, flaky: 0, skipped: 2 }, errors: [] });
    expect(
      sum('setup\t0\t1\nunit\t0\t2\ne2e\t0\t3\n', { 'unit.json': unit([test('x', 'passed')]), 'e2e.json': e2e }),
    ).toMatchObject({
      last: '4 passed, 0 failed',
      status: 0,
    });
  });

  it('counts failures, and names them; one that passed at the second try has failed', () => {
    const e2e = JSON.stringify({ stats: { expected: 3, unexpected: 1, flaky: 1, skipped: 0 }, errors: [] });
    const result = sum('unit\t1\t2\ne2e\t1\t3\n', {
      'unit.json': unit([test('x', 'passed'), test('broken', 'failed')]),
      'e2e.json': e2e,
    });
    expect(result).toMatchObject({ last: '4 passed, 3 failed', status: 1 });
    expect(result.stdout).toContain('a.test.ts: broken');
  });

  it('a file that cannot be loaded, a check, and a crash without results are failures', () => {
    const broken = unit([], { status: 'failed', message: 'SyntaxError: x\n at y' });
    expect(sum('check\t1\t1\nunit\t1\t2\ne2e\t1\t0\n', { 'unit.json': broken })).toMatchObject({
      last: '0 passed, 3 failed',
      status: 1,
    });
  });
});
