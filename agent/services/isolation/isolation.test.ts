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
