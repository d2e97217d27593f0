import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { notFound } from '../../api/errors.ts';
import type { ContainerConfig, HostConfig } from '../../api/container.ts';
import type { VolumeInspect } from '../../api/network.ts';
import { checkCreate } from '../../runtime/spec/check-create.ts';
import { recordOf, someFacts, someRequest } from '../../runtime/spec/testing.ts';
import type { VolumeSource } from '../../volumes/types.ts';
import { createResolveMounts } from './resolve-mounts.ts';

let base: string;
let made: Map<string, VolumeInspect>;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'berth-mounts-'));
  made = new Map();
});
afterEach(() => rmSync(base, { recursive: true }));

const volumes: VolumeSource = {
  ensure: async (request) => {
    if (request.Driver === 'broken') throw notFound('no plugin');
    const name = request.Name ?? `anonymous${made.size}`;
    const volume: VolumeInspect = {
      Name: name,
      Driver: 'local',
      Mountpoint: `/volumes/${name}`,
      CreatedAt: '',
      Labels: request.Labels ?? null,
      Scope: 'local',
      Options: null,
    };
    made.set(name, made.get(name) ?? volume);
    return made.get(name) as VolumeInspect;
  },
  find: (name) => made.get(name),
  remove: async (name) => void made.delete(name),
  removeMadeFor: async () => undefined,
  copyUp: async () => undefined,
};
const other = recordOf(checkCreate(someRequest(), {}, someFacts()), 'o'.repeat(64), {
  mounts: [
    {
      Type: 'volume',
      Name: 'shared',
      Source: '/volumes/shared',
      Destination: '/shared',
      Driver: 'local',
      Mode: 'z',
      RW: true,
      Propagation: '',
    },
    { Type: 'bind', Source: '/etc', Destination: '/conf', Mode: '', RW: true, Propagation: 'rprivate' },
  ],
});
const resolve = (HostConfig: HostConfig, config: ContainerConfig = {}) =>
  createResolveMounts(volumes)(
    checkCreate(someRequest({ ...config, HostConfig }), {}, someFacts()),
    (reference) => {
      if (reference !== 'other') throw notFound(`No such container: ${reference}`);
      return other;
    },
    'c'.repeat(64),
  );

describe('what is asked for', () => {
  it('binds, and makes what is missing on the host', async () => {
    const source = join(base, 'a/b');
    const { mounts } = await resolve({ Binds: [`${source}:/x/../data:ro,rslave`] });
    expect(mounts).toEqual([
      { Type: 'bind', Source: source, Destination: '/data', Mode: 'ro,rslave', RW: false, Propagation: 'rslave' },
    ]);
    expect(existsSync(source)).toBe(true);
  });
  it('finds or makes volumes, named and not', async () => {
    const { mounts, anonymous } = await resolve(
      {
        Binds: ['data:/data', '/anon'],
        Mounts: [
          { Type: 'volume', Source: 'two', Target: '/two', ReadOnly: true, VolumeOptions: { Labels: { a: '1' } } },
        ],
      },
      { Volumes: { '/image': {}, '/data': {} } },
    );
    expect(mounts.map((point) => [point.Destination, point.Name, point.RW, point.Mode])).toEqual([
      ['/anon', 'anonymous1', true, 'z'],
      ['/data', 'data', true, 'z'],
      ['/image', 'anonymous3', true, ''],
      ['/two', 'two', false, 'z'],
    ]);
    expect(anonymous).toEqual(['anonymous1', 'anonymous3']);
    expect(made.get('two')?.Labels).toEqual({ a: '1' });
  });
  it('takes over the volumes of another, read-only when told to, unless something else is mounted there', async () => {
    const { mounts } = await resolve({ VolumesFrom: ['other:ro'], Mounts: [{ Type: 'tmpfs', Target: '/conf' }] });
    expect(mounts.map((point) => [point.Destination, point.Type, point.RW])).toEqual([
      ['/conf', 'tmpfs', true],
      ['/shared', 'volume', false],
    ]);
  });
});

describe('what is refused', () => {
  it.each<[HostConfig, string]>([
    [{ Binds: [''] }, "invalid volume specification: ''"],
    [{ Binds: ['/a:ro'] }, "invalid volume specification: '/a:ro'"],
    [{ Binds: ['/a:/b:ro:x'] }, "invalid volume specification: '/a:/b:ro:x'"],
    [{ Binds: ['/a:/b:foo'] }, 'invalid mode: foo'],
    [{ Binds: ['/a:/b:ro,rw'] }, 'invalid mode: ro,rw'],
    [
      { Binds: ['/a:b'] },
      `invalid volume specification: '/a:b': invalid mount config for type "bind": invalid mount path: 'b' mount path must be absolute`,
    ],
    [
      { Binds: ['/a:/'] },
      `invalid volume specification: '/a:/': invalid mount config for type "bind": invalid specification: destination can't be '/'`,
    ],
    [{ Binds: ['/a:/b', '/c:/b/'] }, 'Duplicate mount point: /b'],
    [{ Binds: ['/a:/b'], Tmpfs: { '/b': '' } }, 'Duplicate mount point: /b'],
    [
      { Mounts: [{ Type: 'bind', Source: '/no/such', Target: '/x' }] },
      'invalid mount config for type "bind": bind source path does not exist: /no/such',
    ],
    [
      { Mounts: [{ Type: 'bind', Source: '', Target: '/x' }] },
      'invalid mount config for type "bind": field Source must not be empty',
    ],
    [
      { Mounts: [{ Type: 'bind', Source: 'x', Target: '/x' }] },
      `invalid mount config for type "bind": invalid mount path: 'x' mount path must be absolute`,
    ],
    [
      { Mounts: [{ Type: 'volume', Target: '' }] },
      'invalid mount config for type "volume": field Target must not be empty',
    ],
    [
      { Mounts: [{ Type: 'tmpfs', Source: 'x', Target: '/x' }] },
      'invalid mount config for type "tmpfs": field Source must not be specified',
    ],
    [
      { Mounts: [{ Type: 'volume', Target: '/x', BindOptions: {} }] },
      'invalid mount config for type "volume": field BindOptions must not be specified',
    ],
    [{ Mounts: [{ Type: 'npipe', Target: '/x' }] }, 'invalid mount config for type "npipe": mount type unknown'],
    [
      { Mounts: [{ Type: 'volume', Source: 'vv', Target: '/x', VolumeOptions: { Subpath: '../y' } }] },
      'invalid mount config for type "volume": subpath must be a relative path within the volume',
    ],
    [{ VolumesFrom: ['nobody'] }, 'No such container: nobody'],
    [{ VolumesFrom: ['other:rshared'] }, 'invalid mode: rshared'],
    [{ VolumesFrom: [''] }, 'volumes-from specification cannot be an empty string'],
  ])('%j', async (host, message) => {
    await expect(resolve(host)).rejects.toThrow(message);
    expect(made.size).toBe(0);
  });

  it('takes back what it made when a later one fails', async () => {
    await expect(
      resolve({
        Binds: ['first:/a', '/anon'],
        VolumeDriver: '',
        Mounts: [{ Type: 'volume', Target: '/b', VolumeOptions: { DriverConfig: { Name: 'broken' } } }],
      }),
    ).rejects.toThrow('no plugin');
    expect([...made.keys()]).toEqual([]);
  });
});
