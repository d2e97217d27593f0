import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkShared, isUnshared, sharedBy9p } from './shared-folders.ts';

const SHARED = ['/home/me', '/data/a b', '/var/www/site'];
const THERE = [
  '/etc',
  '/etc/localtime',
  '/var/log',
  '/tmp',
  '/tmp/x',
  '/lib/modules',
  '/home',
  '/root',
  '/data',
  '/var/www',
];
const unshared = (path: string) => isUnshared(path, SHARED, (each) => THERE.includes(each));

test.each(['/home/me', '/home/me/project', '/data/a b/c', '/var/www/site/public'])('%s is shared', (path) =>
  expect(unshared(path)).toBe(false),
);

test.each(
  [
    '/',
    '/var/run/docker.sock',
    '/run/not/there/yet',
    '/sys/fs/cgroup',
    '/proc',
    '/dev/disk',
    '/etc/localtime',
    '/etc',
  ].concat(['/lib/modules', '/var/log', '/var/lib/docker/volumes', '/tmp', '/tmp/x', '/var']),
)('%s is the guest’s own', (path) => expect(unshared(path)).toBe(false));

test.each(
  [
    '/home/mel',
    '/home',
    '/data',
    '/data/other',
    '/root',
    '/root/project',
    '/Users/me/project',
    '/Volumes/Disk',
    '/mnt/disk',
  ].concat([
    '/opt/app',
    '/srv',
    '/private/tmp/x',
    '/var/folders/xy/T/a',
    '/etc/app.conf',
    '/var/lib/app',
    '/tmp/y',
    '/var/www',
  ]),
)('%s is refused', (path) => expect(unshared(path)).toBe(true));

let folder: string;
let list: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-shared-'));
  list = join(folder, 'folders');
  writeFileSync(list, 'rw /home/me\nro /data/a b\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('says which are shared, and the command that shares one more', () => {
  const refused = () => checkShared(list, { Binds: ['data:/x', '/home/me/src:/src:ro', '/data/other/./:/x'] });
  expect(refused).toThrow('Mounts denied: the path /data/other is not shared');
  expect(refused).toThrow('shared are: /home/me, /data/a b');
  expect(refused).toThrow(
    "berth machine set --folder /home/me --folder '/data/a b:ro' --folder /data/other && berth machine restart",
  );
  const mount = { Type: 'bind' as const, Source: '/srv/x', Target: '/x' };
  expect(() => checkShared(list, { Mounts: [mount] })).toThrow('the path /srv/x is not shared');
  expect(() => checkShared(join(folder, 'none'), { Binds: ['/srv/x:/x'] })).toThrow('no folder of this computer is');
  expect(() => checkShared(list, { Binds: ['C:\\Users\\me:/x'] })).toThrow('C:\\Users\\me is not shared');
});

test('knows what is here by 9p', () => {
  writeFileSync(list, '9p-rw /home/me\nrw /data\n');
  const bind = (Source: string) => ({ Type: 'bind' as const, Source });
  const mounts = [
    bind('/home/me/src'),
    bind('/home/mel'),
    bind('/data/x'),
    { Type: 'volume' as const, Source: '/home/me' },
  ];
  expect(sharedBy9p(list, mounts)).toEqual(['/home/me/src']);
  expect(sharedBy9p('', mounts)).toEqual([]);
  expect(() => checkShared(list, { Binds: ['/srv/x:/x'] })).toThrow('--folder /home/me --folder /data --folder /srv/x');
});

test('refuses nothing where the engine runs on the user’s own computer', () =>
  expect(() => checkShared('', { Binds: ['/srv/x:/x', '/nowhere:/y'] })).not.toThrow());
