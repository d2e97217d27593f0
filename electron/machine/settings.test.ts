import { homedir } from 'node:os';
import { expect, test } from 'vitest';
import { untilIdleStop } from './idle.ts';
import { engineEnvironment } from './host-environment.ts';
import { diskWarnings, readMemory } from './pictures.ts';
import { effectiveFolders } from './settings.ts';

test('folders are mounted by their whole paths, each once, none inside another of the same kind', () => {
  const rw = (path: string) => ({ path, writable: true });
  const ro = (path: string) => ({ path, writable: false });
  expect(effectiveFolders([rw('~'), rw('~/work'), rw('/data/'), rw('/data'), ro('/data/fixed')])).toEqual([
    rw(homedir()),
    rw('/data'),
    ro('/data/fixed'),
  ]);
});

test('the engine in the guest has the proxies of this host, as they are reached from there', () => {
  const env = { HTTP_PROXY: 'http://127.0.0.1:3128', https_proxy: 'http://me:pw@proxy.example:8080', NO_PROXY: 'a,.b' };
  expect(engineEnvironment(env)).toEqual({
    HTTP_PROXY: 'http://10.0.2.2:3128',
    HTTPS_PROXY: 'http://me:pw@proxy.example:8080',
    NO_PROXY: 'a,.b',
  });
  expect(engineEnvironment({})).toEqual({});
});

test.each([
  ['after its last container and its last request', { running: 0, lastEnded: 5, busy: 0, lastTraffic: 9 }, 49],
  ['at once when it is late', { running: 0, lastEnded: -90, busy: 0, lastTraffic: -80 }, 0],
  ['never while a container runs', { running: 1, lastEnded: 0, busy: 0, lastTraffic: 0 }, undefined],
  ['never while a client is served', { running: 0, lastEnded: 0, busy: 1, lastTraffic: 0 }, undefined],
])('an idle machine stops %s', (_when, use, left) => expect(untilIdleStop(use, 50, 10)).toBe(left));

test('the parts of the guest’s memory add up, and what a container holds in cache is cache', () => {
  const meminfo = ['MemTotal: 1000 kB', 'MemFree: 400 kB', 'Buffers: 10 kB', 'Cached: 190 kB', 'Shmem: 20 kB']
    .concat(['SReclaimable: 30 kB', 'SUnreclaim: 40 kB', 'KernelStack: 5 kB', 'PageTables: 5 kB', 'Percpu: 0 kB'])
    .join('\n');
  const picture = readMemory(`${meminfo}\n# cgroup\nanon 102400\nfile 81920\nshmem 0\n`, { all: 7, guest: 5 });
  const { total, host, hostGuest, ...parts } = picture;
  expect([host, hostGuest]).toEqual([7, 5]);
  expect(picture).toMatchObject({ containers: 100 * 1024, cache: 210 * 1024, kernel: 50 * 1024, free: 400 * 1024 });
  expect(Object.values(parts).reduce((sum, value) => sum + value)).toBe(total);
});

test('a disk that is nearly full is told with what to do, the guest’s and this computer’s', () => {
  const gib = 2 ** 30;
  expect(diskWarnings({ size: 8 * gib, used: 2 * gib, host: 2 * gib, hostFree: 90 * gib })).toEqual([]);
  const full = diskWarnings({ size: 8 * gib, used: 7.9 * gib, host: 8 * gib, hostFree: 90 * gib });
  expect(full).toEqual([expect.stringContaining('berth machine set --disk 16')]);
  expect(diskWarnings({ size: 8 * gib, used: gib, host: gib, hostFree: 1024 })).toHaveLength(1);
});
