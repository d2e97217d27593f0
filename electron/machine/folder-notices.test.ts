import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { FolderReport } from '../contract/machine.ts';
import { FolderNotices, withLimits } from './folder-notices.ts';

let folder: string;
let sent: string[][];
let notices: FolderNotices;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-notices-'));
  sent = [];
  notices = new FolderNotices(
    [{ path: folder, how: 'virtiofs' }],
    async (_command, input) => void sent.push(input.trimEnd().split('\n')),
  );
});
afterEach(() => {
  notices.close();
  rmSync(folder, { recursive: true });
});

const mount = (Source: string) => ({
  Type: 'bind' as const,
  Source,
  Destination: '/src',
  Mode: '',
  RW: true,
  Propagation: '',
});
const told = () => sent.flat();
const until = (holds: () => void) => vi.waitFor(holds, { timeout: 20_000 });

test('what is changed, made and removed is told, and again only when it changed again', async () => {
  writeFileSync(join(folder, 'a'), '1');
  notices.set('one', [mount(folder)]);
  writeFileSync(join(folder, 'a'), '22');
  await until(() => expect(told()).toContain(join(folder, 'a')));
  mkdirSync(join(folder, 'made'));
  await until(() => expect(told()).toContain(join(folder, 'made')));
  writeFileSync(join(folder, 'made/inside'), '');
  await until(() => expect(told()).toContain(join(folder, 'made/inside')));
  sent.length = 0;
  rmSync(join(folder, 'a'));
  // its name, so that the guest forgets it, and its folder, whose watchers hear of it
  await until(() => expect(told()).toEqual(expect.arrayContaining([join(folder, 'a'), folder])));
  writeFileSync(join(folder, 'b'), '');
  symlinkSync('b', join(folder, 'link'));
  renameSync(join(folder, 'b'), join(folder, 'c'));
  await until(() => expect(told()).toContain(join(folder, 'c')));
  expect(told()).not.toContain(join(folder, 'link'));
});

test('of very many changes at once, the rest is told by their folders: none is lost', async () => {
  mkdirSync(join(folder, 'many'));
  mkdirSync(join(folder, 'other'));
  notices.set('one', [mount(folder)]);
  // the folders below are watched some time after
  for (const name of ['many', 'other'])
    await until(() => {
      appendFileSync(join(folder, name, 'begun'), '+');
      expect(told()).toContain(join(folder, name, 'begun'));
    });
  sent.length = 0;
  for (let index = 0; index < 700; index++) writeFileSync(join(folder, 'many', String(index)), '');
  writeFileSync(join(folder, 'other/last'), '');
  await until(() => {
    const all = new Set(told());
    const of = (name: string, within: string) => all.has(join(folder, within, name)) || all.has(join(folder, within));
    expect(of('699', 'many') && of('last', 'other')).toBe(true);
  });
});

test('what is not shared, or not mounted any more, is not watched', async () => {
  notices.set('one', [mount(tmpdir())]);
  notices.set('two', [mount(folder)]);
  notices.set('two', []);
  writeFileSync(join(folder, 'a'), '');
  notices.set('two', [mount(folder)]);
  writeFileSync(join(folder, 'b'), '');
  await until(() => expect(told()).toContain(join(folder, 'b')));
  expect(told().filter((path) => !path.startsWith(folder))).toEqual([]);
});

test('by 9p no time is set, which has whole seconds there', async () => {
  const commands: string[] = [];
  const run = async (command: string) => void commands.push(command);
  const other = new FolderNotices([{ path: folder, how: '9p' }], run);
  other.set('one', [mount(folder)]);
  notices.set('one', [mount(folder)]);
  writeFileSync(join(folder, 'a'), '');
  await until(() => expect(commands.join()).toContain('chmod'));
  expect(commands.join()).not.toContain('touch');
  other.close();
});

test('what is not watched is said of its folder', () => {
  const report = { writable: true, how: 'virtiofs', state: 'mounted', notify: 'part', notifyLimit: 'this' } as const;
  const reports: FolderReport[] = [
    { ...report, path: '/home/me' },
    { ...report, path: '/home/mel' },
  ];
  const [mine, other] = withLimits(reports, new Map([['/home/me/big', 'folders']]));
  expect(mine?.notifyLimit).toBe('this; below /home/me/big only the first 8,192 folders are watched');
  expect(other?.notifyLimit).toBe('this');
  expect(withLimits(reports, new Map([['/home/me', 'watches']]))[0]?.notifyLimit).toContain('max_user_watches');
});
