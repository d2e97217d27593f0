import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCgroupV2 } from '../../cgroups/v2.ts';
import { FakeContainers } from '../logs/testing.ts';
import { createIsolation } from './create.ts';
import { parsePressure } from './pressure.ts';

const PRESSURE = 'some avg10=1.50 avg60=0.25 avg300=0.00 total=7\nfull avg10=0.75 avg60=0.12 avg300=0.00 total=3\n';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'berth-isolation-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

function group(path: string, memory: number): void {
  mkdirSync(join(root, path), { recursive: true });
  for (const [file, text] of Object.entries({
    'memory.current': `${memory}\n`,
    'pids.current': '2\n',
    'cpu.stat': 'usage_usec 1\n',
    'memory.pressure': PRESSURE,
  }))
    writeFileSync(join(root, path, file), text);
}

function setUp() {
  group('berth', 300);
  group('berth/a', 200);
  group('berth/a/made-inside/deeper', 50);
  group('berth/b', 100);
  const containers = new FakeContainers();
  containers.add('a', { cgroupPath: '/berth/a', state: { Pid: process.pid } });
  containers.add('b', { cgroupPath: '/berth/b', state: { Pid: process.pid } });
  const cpu = { a: 25, b: 5 } as Record<string, number>;
  const latest = (id: string) => ({ cpuPercent: cpu[id] ?? 0 }) as never;
  const isolation = createIsolation({
    containers,
    cgroups: createCgroupV2(root),
    stats: { latest },
    cgroupParent: '/berth',
  });
  return { containers, isolation };
}

describe('the cgroup tree', () => {
  test('goes from the engine’s group through the containers to what they made', () => {
    const { isolation } = setUp();
    const tree = isolation.tree();
    expect(tree).toMatchObject({ name: 'berth', path: '/berth', memory: 300, pids: 2, cpuPercent: 30 });
    expect(tree.children.map(({ name, containerId, cpuPercent }) => [name, containerId, cpuPercent])).toEqual([
      ['a', 'a', 25],
      ['b', 'b', 5],
    ]);
    expect(tree.children[0]?.children[0]).toMatchObject({
      name: 'made-inside',
      path: '/berth/a/made-inside',
      children: [{ name: 'deeper', memory: 50 }],
    });
    expect(tree.children[0]?.children[0]).not.toHaveProperty('containerId');
  });

  test('begins higher when a container asked for another parent, and is one empty group without containers', () => {
    const { containers, isolation } = setUp();
    containers.add('c', { cgroupPath: '/elsewhere/c', state: { Pid: process.pid } });
    expect(isolation.tree()).toMatchObject({
      path: '/',
      children: [{ path: '/berth' }, { path: '/elsewhere', children: [{ containerId: 'c' }] }],
    });
    for (const id of ['a', 'b', 'c']) containers.stop(id);
    expect(isolation.tree()).toMatchObject({ path: '/berth', children: [] });
  });
});

test('each group tells its counters and the limits in force on itself', () => {
  const { isolation } = setUp();
  const files = { 'memory.max': '1048576\n', 'pids.max': 'max\n', 'cpu.max': '50000 100000\n', 'cpuset.cpus': '0-1\n' };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, 'berth/a', file), text);
  writeFileSync(join(root, 'berth/a/io.stat'), '8:0 rbytes=7 wbytes=9 rios=1 wios=1 dbytes=0 dios=0\n');
  const [a, b] = isolation.tree().children;
  expect(a).toMatchObject({ cpuTime: 1000, readBytes: 7, writeBytes: 9 });
  expect(a?.limits).toEqual({ memory: 1_048_576, cpus: 0.5, pids: null, cpuset: '0-1' });
  expect(b?.limits).toEqual({ memory: null, cpus: null, pids: null, cpuset: null });
  expect(Date.now() - (a?.time ?? 0)).toBeLessThan(60_000);
});

test('one group is shown whole: its processes by name, those below it too, and its files', async () => {
  const { isolation } = setUp();
  writeFileSync(join(root, 'berth/a/cgroup.procs'), '4194304000\n');
  writeFileSync(join(root, 'berth/a/made-inside/cgroup.procs'), `${process.pid}\n`);
  const group = await isolation.group('/berth/a');
  expect(group).toMatchObject({ path: '/berth/a', processCount: 2, files: { 'memory.current': '200' } });
  // one of the two is no process any more
  expect(group.processes).toEqual([{ pid: process.pid, command: expect.stringMatching(/node/) as string }]);
  await expect(isolation.group('/berth')).resolves.toMatchObject({ path: '/berth' });
  for (const path of ['/berth/a/../..', '/berth/none', '/other', 'berth/a', '', '/berthling', '/berth/a/'])
    await expect(isolation.group(path)).rejects.toMatchObject({
      kind: 'not-found',
      message: `No such control group: ${path}`,
    });
});

test('the map of namespaces puts processes in the same ones together', async () => {
  const { containers, isolation } = setUp();
  containers.stop('b');
  const child = spawn('sleep', ['60']);
  try {
    await once(child, 'spawn');
    writeFileSync(join(root, 'berth/a/made-inside/cgroup.procs'), `${child.pid}\n`);
    const { host, members } = await isolation.namespaces();
    expect(host.net).toBeGreaterThan(0);
    expect(members).toEqual([
      { containerId: 'a', main: true, namespaces: host, processCount: 2, processes: expect.any(Array) as unknown },
    ]);
    expect(members[0]?.processes.map(({ pid }) => pid).sort()).toEqual([process.pid, child.pid].sort());
    expect(members[0]?.processes.find(({ pid }) => pid === child.pid)?.command).toBe('sleep 60');
  } finally {
    child.kill('SIGKILL');
  }
});

test('isolation tells namespaces, who shares them, and the group’s files', async () => {
  const { containers, isolation } = setUp();
  const found = await isolation.isolation('a');
  expect(found).toMatchObject({
    id: 'a',
    pid: process.pid,
    cgroup: { version: 2, path: '/berth/a', files: { 'memory.current': '200' } },
  });
  expect(found.namespaces.find(({ type }) => type === 'net')).toMatchObject({ host: true, sharedWith: ['b'] });
  containers.stop('a');
  await expect(isolation.isolation('a')).rejects.toMatchObject({
    kind: 'conflict',
    message: 'container a is not running',
  });
});

test('pressure is the group’s, and null where the kernel does not tell', () => {
  const { isolation } = setUp();
  expect(isolation.pressure('a')).toEqual({
    cpu: null,
    memory: { someAvg10: 1.5, someAvg60: 0.25, fullAvg10: 0.75, fullAvg60: 0.12 },
    io: null,
  });
  expect(parsePressure('')).toBeNull();
  expect(parsePressure('some avg10=3.00 avg60=2.00 avg300=0.00 total=1\n')).toEqual({
    someAvg10: 3,
    someAvg60: 2,
    fullAvg10: 0,
    fullAvg60: 0,
  });
});
