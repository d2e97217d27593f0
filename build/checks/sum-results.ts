import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Sums up `npm test`: each part with its time, what failed, and last the line `N passed, N failed`. A part that failed without
 * failing tests (a check, a crash) counts as one failure.
 */
interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  failures: string[];
}
interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { fullName: string; status: string }[];
  }[];
}
interface PlaywrightReport {
  stats: { expected: number; unexpected: number; flaky: number; skipped: number };
  errors: { message?: string }[];
}

export function countVitest(report: VitestReport): Counts {
  const failures: string[] = [];
  let broken = 0;
  for (const file of report.testResults) {
    const failed = file.assertionResults.filter((test) => test.status === 'failed');
    for (const test of failed) failures.push(`${file.name}: ${test.fullName}`);
    // a file that could not be loaded has no tests, and is a failure all the same
    if (file.status === 'failed' && failed.length === 0) {
      broken++;
      failures.push(`${file.name}: ${file.message.split('\n')[0] ?? ''}`);
    }
  }
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken,
    skipped: report.numPendingTests,
    failures,
  };
}

export function countPlaywright(report: PlaywrightReport): Counts {
  const { expected, unexpected, flaky, skipped } = report.stats;
  // A test that passed only when tried again has failed.
  return {
    passed: expected,
    failed: unexpected + flaky + report.errors.length,
    skipped,
    failures: report.errors.map((e) => e.message ?? ''),
  };
}

function read<T>(path: string): T | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined;
}

function main(directory: string): void {
  const unit = read<VitestReport>(join(directory, 'unit.json'));
  const e2e = read<PlaywrightReport>(join(directory, 'e2e.json'));
  const counts: Record<string, Counts | undefined> = {
    unit: unit && countVitest(unit),
    e2e: e2e && countPlaywright(e2e),
  };
  let passed = 0;
  let failed = 0;
  console.log('');
  for (const line of readFileSync(join(directory, 'parts'), 'utf8').trim().split('\n')) {
    const [name = '', status = '', seconds = ''] = line.split('\t');
    const count = counts[name];
    passed += count?.passed ?? 0;
    failed += count?.failed ?? 0;
    if (status !== '0' && !count?.failed) failed++;
    const detail = count ? `: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped` : '';
    console.log(`${status === '0' ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)${detail}`);
    for (const failure of count?.failures ?? []) console.log(`         ${failure}`);
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

if (import.meta.main) main(process.argv[2] ?? '.');
