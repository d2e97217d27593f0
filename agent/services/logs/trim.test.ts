import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Layout } from '../../store/layout.ts';
import type { ContainerRecord } from '../container-record.ts';
import { LogGates } from './gate.ts';
import { trimLog } from './trim.ts';

let folder: string;
let log: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-trim-'));
  log = join(folder, 'json.log');
});
afterEach(() => rmSync(folder, { recursive: true }));

const config = { Type: 'json-file', Config: { 'max-size': '40k', 'max-file': '3' } };
const record = { id: 'c', hostConfig: { LogConfig: config } } as unknown as ContainerRecord;
const layout = { containerLog: () => log } as unknown as Layout;
const lines = (count: number) => Array.from({ length: count }, (_none, at) => `line ${at} of ${count}\n`).join('');
const total = () => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

test('what a rotation put aside is cut too, when the log itself is small: the last lines stay', async () => {
  writeFileSync(log, 'the end\n');
  writeFileSync(`${log}.1`, lines(100_000));
  await trimLog(layout, new LogGates(), record);
  expect(total()).toBeLessThanOrEqual(120_000);
  expect(readFileSync(log, 'utf8')).toBe('the end\n');
  const rest = readFileSync(`${log}.1`, 'utf8');
  expect(rest).toMatch(/^line \d+ of 100000\n/);
  expect(rest.endsWith('line 99999 of 100000\n')).toBe(true);
});

test('files for which the log leaves no room go, and those within the limits stay as they are', async () => {
  writeFileSync(log, lines(100_000));
  writeFileSync(`${log}.1`, lines(100));
  await trimLog(layout, new LogGates(), record);
  expect(readdirSync(folder)).toEqual(['json.log']);
  expect(total()).toBeLessThanOrEqual(120_000);

  writeFileSync(log, 'the end\n');
  writeFileSync(`${log}.1`, lines(1_000));
  await trimLog(layout, new LogGates(), record);
  expect(readFileSync(`${log}.1`, 'utf8')).toBe(lines(1_000));
});
