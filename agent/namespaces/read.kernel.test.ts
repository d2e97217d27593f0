import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { CAPABILITY_NAMES, decodeCapabilities } from './capabilities.ts';
import { describeNamespaces, parseConfinement, readConfinement, readNamespaces } from './read.ts';

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
});

/** A process of its own, ready when it has said so. */
async function start(...argv: string[]): Promise<number> {
  const child = spawn(argv[0] as string, argv.slice(1), { stdio: ['pipe', 'ignore', 'ignore'] });
  children.push(child);
  await once(child, 'spawn');
  return child.pid as number;
}

describe.skipIf(process.getuid?.() !== 0)('a process in namespaces of its own', () => {
  test('is told from one in the engine’s, and from its neighbours', async () => {
    const apart = await start('unshare', '--uts', '--ipc', 'cat');
    const plain = await start('cat');
    const own = readNamespaces('self').get('uts');
    for (let wait = 0; readNamespaces(apart).get('uts') === own && wait < 200; wait++) await sleep(10);
    const joined = await start('nsenter', `--uts=/proc/${apart}/ns/uts`, 'cat');
    for (let wait = 0; readNamespaces(joined).get('uts') === own && wait < 200; wait++) await sleep(10);
    const found = describeNamespaces(
      apart,
      new Map([
        ['plain', plain],
        ['joined', joined],
      ]),
    );
    const of = (type: string) => found.find((namespace) => namespace.type === type);
    expect(of('uts')).toEqual({
      type: 'uts',
      inode: Number(/\d+/.exec(readlinkSync(`/proc/${apart}/ns/uts`))?.[0]),
      host: false,
      sharedWith: ['joined'],
    });
    expect(of('ipc')).toMatchObject({ host: false, sharedWith: [] });
    expect(of('net')).toMatchObject({ host: true, sharedWith: ['plain', 'joined'] });
    expect(found.map(({ type }) => type)).toEqual(expect.arrayContaining(['cgroup', 'mnt', 'pid', 'user']));
  });

  test('shows how it is confined', async () => {
    const pid = await start('setpriv', '--bounding-set=-all,+chown,+net_raw', '--no-new-privs', 'cat');
    for (let wait = 0; !readConfinement(pid)?.noNewPrivileges && wait < 200; wait++) await sleep(10);
    expect(readConfinement(pid)).toMatchObject({
      noNewPrivileges: true,
      seccomp: 'disabled',
      uidMap: '0 0 4294967295',
    });
    expect(readConfinement(pid)?.capabilities.bounding).toEqual(['CAP_CHOWN', 'CAP_NET_RAW']);
  });
});

test('a process that has gone has none', () => {
  expect(readNamespaces(2 ** 22 + 1).size).toBe(0);
  expect(readConfinement(2 ** 22 + 1)).toBeUndefined();
});

test('masks and fields', () => {
  expect(decodeCapabilities('00000000a80425fb')).toHaveLength(14);
  expect(decodeCapabilities('000001ffffffffff')).toEqual([...CAPABILITY_NAMES]);
  expect(decodeCapabilities('0000020000000000')).toEqual(['CAP_41']);
  const status =
    'CapEff:\t0000000000000001\nCapBnd:\t0000000000000003\nNoNewPrivs:\t0\nSeccomp:\t2\nSeccomp_filters:\t1\n';
  expect(parseConfinement(status, '         0     100000      65536\n')).toEqual({
    capabilities: { effective: ['CAP_CHOWN'], bounding: ['CAP_CHOWN', 'CAP_DAC_OVERRIDE'] },
    seccomp: 'filter',
    noNewPrivileges: false,
    uidMap: '0 100000 65536',
  });
});
