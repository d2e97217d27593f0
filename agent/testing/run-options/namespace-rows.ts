import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { dropGroup, GROUP, inspect, refuses, shows, type Bench, type OptionRow } from './row.ts';

type Kind = 'pid' | 'ipc' | 'uts' | 'cgroup' | 'user' | 'net';
const own = (kind: Kind) => readlinkSync(`/proc/self/ns/${kind}`);
const namespace = (kind: Kind) => `readlink /proc/self/ns/${kind}`;

/** A container that runs while `use` asks, made with `opts`. */
async function beside(b: Bench, opts: string, use: (name: string) => Promise<void>): Promise<void> {
  const id = await b.ok('run', '-d', '--network', 'none', ...opts.split(' ').filter(Boolean), b.image, 'sleep', '321');
  try {
    await use(id);
  } finally {
    await b.ok('rm', '-f', id);
  }
}

/** Namespaces of its own, the host's, or another container's. */
/* prettier-ignore */
export const NAMESPACE_ROWS: readonly OptionRow[] = [
  {
    option: 'pid ipc uts userns cgroupns network',
    does: 'are its own but for the user namespace, unless said',
    check: async (b) => {
      for (const kind of ['pid', 'ipc', 'uts', 'cgroup', 'net'] as const) expect(await b.out('', namespace(kind)), kind).not.toBe(own(kind));
      expect(await b.out('', namespace('user'))).toBe(own('user'));
      expect(await b.out('', 'ps | wc -l')).toMatch(/^[2-4]$/);
    },
  },
  {
    option: 'pid',
    does: 'is the host’s, or another container’s',
    check: async (b) => {
      expect(await b.out('--pid host', namespace('pid'))).toBe(own('pid'));
      expect(await b.out('--pid host', `tr '\\0' ' ' </proc/${process.pid}/cmdline | wc -c`)).not.toBe('0');
      await beside(b, '', async (name) => {
        expect(await b.out(`--pid container:${name}`, 'ps')).toContain('sleep 321');
        expect(await b.out(`--pid container:${name}`, namespace('pid'))).toBe(await b.ok('exec', name, 'readlink', '/proc/self/ns/pid'));
      });
      expect((await b.sh('--pid container:nobody', 'true')).stderr).toMatch(/[Nn]o such container: nobody/);
    },
  },
  refuses('pid', 'has known values', '--pid other', '--pid: invalid PID mode'),
  {
    option: 'ipc',
    does: 'is private, shareable, another container’s, the host’s or without /dev/shm',
    check: async (b) => {
      expect(await b.out('--ipc private', `touch /dev/shm/x && ${namespace('ipc')}`)).not.toBe(own('ipc'));
      const file = `/dev/shm/berth-rows-${process.pid}`;
      writeFileSync(file, 'of the host');
      expect(await b.out('--ipc host', `${namespace('ipc')}; cat ${file}; rm ${file}`)).toBe(`${own('ipc')}\nof the host`);
      expect(await b.out('--ipc none', 'grep -c " /dev/shm " /proc/mounts || true')).toBe('0');
      await beside(b, '--ipc shareable --shm-size 5m', async (name) => {
        await b.ok('exec', name, 'sh', '-c', 'echo shared > /dev/shm/f');
        expect(await b.out(`--ipc container:${name}`, `cat /dev/shm/f; ${namespace('ipc')}`)).toBe(`shared\n${await b.ok('exec', name, 'readlink', '/proc/self/ns/ipc')}`);
      });
      await beside(b, '--ipc private', async (name) => {
        expect((await b.sh(`--ipc container:${name}`, 'true')).stderr).toContain('non-shareable IPC (hint: use IpcMode:shareable for the donor container)');
      });
    },
  },
  refuses('ipc', 'has known values', '--ipc other', 'invalid IPC mode: other'),
  {
    option: 'uts',
    does: 'of the host is its name',
    check: async (b) => expect(await b.out('--uts host', namespace('uts'))).toBe(own('uts')),
  },
  refuses('uts', 'of the host excludes --hostname', '--uts host -h x', 'conflicting options: hostname and the UTS mode'),
  refuses('uts', 'has one value', '--uts other', '--uts: invalid UTS mode'),
  {
    option: 'userns',
    does: 'of the host is what it has anyway',
    check: async (b) => expect(await b.out('--userns host', namespace('user'))).toBe(own('user')),
  },
  refuses('userns', 'has one value', '--userns other', '--userns: invalid USER mode'),
  {
    option: 'cgroupns',
    does: 'is its own, or the host’s',
    check: async (b) => {
      expect(await b.out('--cgroupns private', `${namespace('cgroup')}; cut -d : -f 3 /proc/self/cgroup | sort -u`)).toMatch(/^cgroup:\[\d+\]\n\/$/);
      const shown = await b.out('--cgroupns host', `${namespace('cgroup')}; cut -d : -f 3 /proc/self/cgroup | sort -u`);
      expect(shown.split('\n')[0]).toBe(own('cgroup'));
      expect(shown).toMatch(/[0-9a-f]{64}/);
    },
  },
  refuses('cgroupns', 'has known values', '--cgroupns other', '--cgroupns: invalid CGROUP mode'),
  {
    option: 'cgroup-parent',
    does: 'is above its own group',
    check: async (b) => {
      const parent = `${GROUP}/deep`;
      const id = await b.ok('run', '-d', '--network', 'none', '--cgroup-parent', parent, b.image, 'sleep', '100');
      const pid = String(await inspect(b, id, '.State.Pid'));
      const paths = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n').map((line) => line.split(':')[2]);
      expect(paths.filter((path) => path !== '/')).toContain(`${parent}/${id}`);
      await b.ok('rm', '-f', id);
      await dropGroup();
    },
  },
  shows('privileged', 'leaves its namespaces', '--privileged', namespace('pid'), /^pid:/),
];
