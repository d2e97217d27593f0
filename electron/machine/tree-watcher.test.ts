import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TreeWatcher, type Limit } from './tree-watcher.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'berth-tree-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const until = (holds: () => void) => vi.waitFor(holds, { timeout: 20_000 });

/** Where a tree with this many folders is watched, of which `most` may be. */
function watched(folders: number, most: number) {
  const told = new Set<string>();
  const limits: Limit[] = [];
  for (let index = 0; index < folders; index++) mkdirSync(join(folder, String(index)));
  const watcher = new TreeWatcher(
    folder,
    (path) => told.add(path),
    (why) => limits.push(why),
    most,
  );
  return { told, limits, close: () => watcher.close() };
}

test('a tree with more folders than are watched says so, and tells of those that are', async () => {
  const { told, limits, close } = watched(4, 3);
  await until(() => expect(limits).toContain('folders'));
  writeFileSync(join(folder, 'here'), '');
  await until(() => expect(told).toContain(join(folder, 'here')));
  close();
});

test('one that has no more does not', async () => {
  const { told, limits, close } = watched(2, 3);
  await until(() => {
    for (const name of ['0', '1']) writeFileSync(join(folder, name, 'a'), String(performance.now()));
    expect(told).toContain(join(folder, '1/a'));
    expect(told).toContain(join(folder, '0/a'));
  });
  expect(limits).toEqual([]);
  close();
});
