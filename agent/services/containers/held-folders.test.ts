import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { HeldFolders } from './held-folders.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-held-'));
  for (const name of ['src/deep', 'node_modules/x', '.git']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'file'), '');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What this process has open below the folder. */
const open = () =>
  readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return '';
      }
    })
    .filter((path) => path.startsWith(folder))
    .sort();

test('the folders that a container has mounted by 9p are in use until it has ended', async () => {
  const holder = new HeldFolders();
  await holder.hold([folder]);
  expect(open()).toEqual([folder, join(folder, 'src'), join(folder, 'src/deep')]);
  holder.close();
  await vi.waitFor(() => expect(open()).toEqual([]));
});

test('a folder that is not there is none', async () => {
  const holder = new HeldFolders();
  await holder.hold([join(folder, 'missing')]);
  expect(open()).toEqual([]);
  holder.close();
});

test('one that ends meanwhile leaves nothing open', async () => {
  const holder = new HeldFolders();
  const holding = holder.hold([folder]);
  await Promise.resolve();
  holder.close();
  await holding;
  await vi.waitFor(() => expect(open()).toEqual([]));
});
