import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { boundLog } from './bounded-log.ts';

const folder = mkdtempSync(join(tmpdir(), 'berth-bounded-'));
const log = join(folder, 'console.log');
afterAll(() => rmSync(folder, { recursive: true }));

it('keeps the last lines, whole, and who appends goes on behind them', () => {
  writeFileSync(log, Array.from({ length: 1000 }, (_, index) => `line ${index}\n`).join(''));
  boundLog(log, 1000, 50);
  appendFileSync(log, 'new\n');
  expect(readFileSync(log, 'utf8')).toBe('line 995\nline 996\nline 997\nline 998\nline 999\nnew\n');
});

it('leaves what is small, and minds no log that is not there', () => {
  writeFileSync(log, 'short\n');
  boundLog(log, 1000, 50);
  expect(readFileSync(log, 'utf8')).toBe('short\n');
  boundLog(join(folder, 'none'));
});
