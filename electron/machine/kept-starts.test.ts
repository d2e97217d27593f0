import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { MachineImage } from './image.ts';
import { KeptStarts } from './kept-starts.ts';
import type { MachineConfig, MachineDriver, MachineProcess } from './types.ts';

let home: string;
const image: MachineImage = { ...{ name: 'i', version: '1', digest: 'a' }, kernel: 'k', initrd: 'i', root: 'r' };
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'berth-kept-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const driver = (keepsStarts = true): MachineDriver => ({
  ...{ name: 'test', accelerator: 'tcg', warnings: [] },
  capabilities: { accelerated: false, reclaimsMemory: true, growsDisk: true, sharedFolders: 'none', keepsStarts },
  start: () => Promise.reject(new Error('not here')),
  startKey: ({ cpus, memory }) => `${cpus} ${memory}`,
});
const config = { cpus: 2, memory: 1024, sshPort: 1, shares: [] } as unknown as MachineConfig;
const process = (keepStart: (directory: string) => Promise<void>) => ({ keepStart }) as MachineProcess;
const writes = process((directory) => Promise.resolve(writeFileSync(join(directory, 'memory'), 'state')));

test('a start is found again as long as nothing of what it was made of has changed', async () => {
  const starts = new KeptStarts(join(home, 'starts'));
  expect(starts.find(driver(), image, config)).toBeUndefined();
  expect(await starts.keep(driver(), image, config, writes)).toBeUndefined();
  await expect.poll(() => starts.find(driver(), image, config)).toBeDefined();
  expect(existsSync(join(starts.find(driver(), image, config) as string, 'memory'))).toBe(true);
  expect(starts.find(driver(), image, { ...config, memory: 2048 })).toBeUndefined();
  expect(starts.find(driver(), { ...image, digest: 'b' }, config)).toBeUndefined();
});

test('one is kept, the last; a machine that cannot have its start kept keeps none', async () => {
  const starts = new KeptStarts(join(home, 'starts'));
  for (const memory of [512, 1024]) {
    await starts.keep(driver(), image, { ...config, memory }, writes);
    await expect.poll(() => starts.find(driver(), image, { ...config, memory })).toBeDefined();
  }
  expect(readdirSync(join(home, 'starts'))).toHaveLength(1);
  await starts.keep(driver(false), image, config, writes);
  expect(starts.find(driver(false), image, config)).toBeUndefined();
  starts.forget();
  expect(readdirSync(join(home, 'starts'))).toEqual([]);
});

test('one that could not be kept is told, and leaves nothing behind', async () => {
  const starts = new KeptStarts(join(home, 'starts'));
  const full = process(() => Promise.reject(new Error('ENOSPC: no space left on device')));
  expect(await starts.keep(driver(), image, config, full)).toContain('no space left');
  expect(readdirSync(join(home, 'starts'))).toEqual([]);
});
