import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { driverFor } from './detect.ts';
import { flatValue } from './meter.ts';
import { parseCgroupMounts } from './mounts.ts';
import { createCgroupV1, parseBlkio } from './v1.ts';
import { createCgroupV2, parseIoStat, weightOfShares } from './v2.ts';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'berth-cgroups-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}
const content = (name: string) => readFileSync(join(root, name), 'utf8');

describe('mounts', () => {
  test('separate and joint hierarchies, a named one, a unified one, odd characters', () => {
    const mounts = parseCgroupMounts(`
30 25 0:26 / /sys/fs/cgroup ro,nosuid shared:4 - tmpfs tmpfs ro,mode=755
31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:5 - cgroup2 cgroup2 rw,nsdelegate
32 30 0:28 / /sys/fs/cgroup/systemd rw shared:6 - cgroup cgroup rw,xattr,name=systemd
35 30 0:31 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
36 30 0:32 / /mnt/my\\040cgroups/memory rw shared:10 - cgroup cgroup rw,memory
37 30 0:32 / /somewhere/else rw - cgroup cgroup rw,memory
`);
    expect(Object.fromEntries(mounts.v1)).toEqual({
      cpu: '/sys/fs/cgroup/cpu,cpuacct',
      cpuacct: '/sys/fs/cgroup/cpu,cpuacct',
      memory: '/mnt/my cgroups/memory',
    });
    expect(Object.fromEntries(mounts.named)).toEqual({ systemd: '/sys/fs/cgroup/systemd' });
    expect(mounts.v2).toBe('/sys/fs/cgroup/unified');
    expect(driverFor(mounts).version).toBe(1);
  });

  test('a unified hierarchy alone is v2, also beside a named one; nothing is an error', () => {
    write({ 'cgroup.controllers': 'cpuset cpu io memory pids\n' });
    const driver = driverFor({ v1: new Map(), named: new Map([['systemd', '/x']]), v2: root });
    expect(driver.version).toBe(2);
    expect([...driver.controllers]).toEqual(['cpuset', 'cpu', 'io', 'memory', 'pids']);
    expect(() => driverFor({ v1: new Map(), named: new Map(), v2: undefined })).toThrow(
      'no control groups are mounted',
    );
  });
});

test('flatValue finds whole names only', () => {
  const text = 'total_inactive_file 5\ninactive_file 7\nfile 9';
  expect([flatValue(text, 'inactive_file'), flatValue(text, 'total_inactive_file'), flatValue(text, 'file')]).toEqual([
    7, 5, 9,
  ]);
  expect(flatValue(text, 'active_file')).toBe(0);
});

test('block I/O counters of both versions', () => {
  expect(parseBlkio('254:0 Read 4096\n254:0 Write 8192\n254:0 Total 12288\nTotal 12288\n')).toHaveLength(3);
  expect(
    parseIoStat(
      '254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n7:0 \n8:0 rbytes=9 wbytes=0 rios=1 wios=0 dbytes=0 dios=0 cost.usage=3\n',
    ),
  ).toEqual([
    { major: 254, minor: 0, readBytes: 1, writeBytes: 2, readOps: 3, writeOps: 4 },
    { major: 8, minor: 0, readBytes: 9, writeBytes: 0, readOps: 1, writeOps: 0 },
  ]);
});

/**
 * Files as a v2 kernel writes them, in an ordinary directory: shows that they are read and written in the right form. What the kernel
 * does with them is the conformance suite's matter, where there is such a kernel.
 */
describe('v2 on recorded files', () => {
  const group = (files: Record<string, string>) =>
    write(Object.fromEntries(Object.entries(files).map(([name, text]) => [`berth/c1/${name}`, text])));
  beforeEach(() =>
    group({
      'cpu.stat':
        'usage_usec 2500\nuser_usec 1500\nsystem_usec 1000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 77\n',
      'cpu.max': 'max 100000\n',
      'cpu.weight': '100\n',
      'memory.current': '104857600\n',
      'memory.peak': '209715200\n',
      'memory.max': 'max\n',
      'memory.low': '0\n',
      'memory.swap.max': 'max\n',
      'memory.swap.current': '4096\n',
      'memory.events': 'low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n',
      'memory.stat': 'anon 1000\nfile 50000000\ninactive_file 40000000\nactive_file 10000000\n',
      'pids.current': '7\n',
      'pids.max': 'max\n',
      'io.stat': '254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n',
      'cgroup.procs': '12\n13\n',
      'cgroup.freeze': '0\n',
      'cgroup.events': 'populated 1\nfrozen 1\n',
      'inner/cgroup.procs': '14\n',
    }),
  );

  test('reads usage', async () => {
    const driver = createCgroupV2(root);
    expect(await driver.read('/berth/c1')).toEqual({
      cpu: {
        total: 2_500_000,
        user: 1_500_000,
        system: 1_000_000,
        periods: 10,
        throttledPeriods: 4,
        throttledTime: 77_000,
      },
      memory: {
        usage: 104857600,
        maxUsage: 209715200,
        limit: Infinity,
        swap: 4096,
        failures: 3,
        oomKills: 2,
        stat: { anon: 1000, file: 50000000, inactive_file: 40000000, active_file: 10000000 },
      },
      pids: { current: 7, limit: Infinity },
      io: [{ major: 254, minor: 0, readBytes: 4096, writeBytes: 8192, readOps: 1, writeOps: 2 }],
    });
    const meter = driver.meter('/berth/c1');
    expect(meter.read()).toEqual({
      cpu: 2_500_000,
      periods: 10,
      throttledPeriods: 4,
      memory: 64857600,
      memoryLimit: Infinity,
      pids: 7,
      readBytes: 4096,
      writeBytes: 8192,
    });
    meter.close();
    expect(await driver.processes('/berth/c1')).toEqual([12, 13, 14]);
    expect(await driver.oomKills('/berth/c1')).toBe(2);
    expect(await driver.read('/berth/none')).toEqual({});
  });

  test('writes limits in v2’s words', async () => {
    const driver = createCgroupV2(root);
    await driver.update('/berth/c1', {
      memory: 1000,
      memorySwap: 3000,
      memoryReservation: 500,
      cpuShares: 1024,
      cpuQuota: 50_000,
      pids: 5,
    });
    const now = ['memory.max', 'memory.swap.max', 'memory.low', 'cpu.weight', 'cpu.max', 'pids.max'].map((name) =>
      content(`berth/c1/${name}`),
    );
    expect(now).toEqual(['1000', '2000', '500', '39', '50000 100000', '5']);
    await driver.update('/berth/c1', { cpuPeriod: 20_000, memorySwap: -1, pids: -1 });
    expect(['cpu.max', 'memory.swap.max', 'pids.max'].map((name) => content(`berth/c1/${name}`))).toEqual([
      '50000 20000',
      'max',
      'max',
    ]);
    await driver.update('/berth/c1', { memory: -1, cpuQuota: -1 });
    expect([content('berth/c1/memory.max'), content('berth/c1/cpu.max')]).toEqual(['max', 'max 20000']);
    await expect(driver.update('/berth/c1', { memory: 4000, memorySwap: 1000 })).rejects.toMatchObject({
      kind: 'invalid-parameter',
    });
    await expect(driver.update('/berth/c1', { blkioWeight: 500 })).rejects.toMatchObject({ kind: 'invalid-parameter' });
  });

  test('freezes by cgroup.freeze, and never leaves its root', async () => {
    const driver = createCgroupV2(root);
    await driver.freeze('/berth/c1');
    expect(content('berth/c1/cgroup.freeze')).toBe('1');
    await driver.thaw('/berth/c1');
    expect(content('berth/c1/cgroup.freeze')).toBe('0');
    expect(await driver.read('/../../berth/c1')).toHaveProperty('pids');
    await expect(driver.remove('/berth/..')).rejects.toThrow('root');
  });

  test('shares become weights as the OCI runtimes convert them', () => {
    expect([0, 2, 1024, 262_144].map(weightOfShares)).toEqual([100, 1, 39, 10_000]);
  });
});

test('v1 limits are refused where the controller is missing', async () => {
  const driver = createCgroupV1({ v1: new Map([['memory', root]]), named: new Map(), v2: undefined });
  await expect(driver.update('/x', { pids: 3 })).rejects.toThrow('the kernel gives no pids controller');
  await expect(driver.freeze('/x')).rejects.toThrow('no freezer controller');
});
