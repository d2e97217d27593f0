import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Layout } from '../../store/layout.ts';
import { idmapCalls, type IdmapCalls } from '../../system/idmap.ts';
import { MNT, SyscallError, syscalls } from '../../system/syscalls.ts';
import { createMappedMounts } from './mapped-mounts.ts';

const map = { uid: { host: 300_000, size: 65_536 }, gid: { host: 400_000, size: 65_536 } };
const sys = syscalls();
let base: string;
let layout: Layout;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'berth-map-'));
  layout = new Layout(join(base, 'root'), join(base, 'run'));
  mkdirSync(join(base, 'data'));
  writeFileSync(join(base, 'data/f'), 'content');
});
afterEach(() => {
  for (const path of mounted().reverse()) sys.umount(path, MNT.DETACH);
  rmSync(base, { recursive: true });
});

const mounted = () =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${base}/`));
const make = (calls: Partial<IdmapCalls> = {}) =>
  createMappedMounts({ calls: { ...idmapCalls(), ...calls }, sys, layout, map, byDefault: true });
const refusing = {
  cloneMapped: () => {
    throw new SyscallError('mount_setattr', 22);
  },
}; // EINVAL

describe('mapped mounts', () => {
  it('show files with the ids of the container, for as long as asked', async () => {
    const mapped = make();
    const namespace = await mapped.namespace(map);
    expect(await mapped.namespace({ ...map })).toBe(namespace);
    const seen = mapped.during(join(base, 'data'), namespace, (at) => statSync(join(at, 'f')));
    expect(seen).toMatchObject({ uid: 300_000, gid: 400_000 });
    expect(mounted()).toEqual([]);
    expect(() =>
      mapped.during(join(base, 'data'), namespace, () => {
        throw new Error('as it may');
      }),
    ).toThrow('as it may');
    expect(mounted()).toEqual([]);
  });

  it('of directories and files go when the container is made, and the files stay', async () => {
    const mapped = make();
    const namespace = await mapped.namespace(map);
    const paths = ['data', 'data/f'].map((name) => mapped.stage('c', join(base, name), namespace) as string);
    expect(statSync(join(paths[0] as string, 'f')).uid).toBe(300_000);
    expect(statSync(paths[1] as string).uid).toBe(300_000);
    mapped.unstage('c');
    mapped.unstage('c');
    expect(mounted()).toEqual([]);
    expect(readdirSync(layout.mappedVolumes)).toEqual([]);
    expect(readFileSync(join(base, 'data/f'), 'utf8')).toBe('content');
  });

  it('left by an engine that was killed are taken away by the next', async () => {
    const killed = make();
    const namespace = await killed.namespace(map);
    killed.stage('c', join(base, 'data'), namespace);
    mkdirSync(layout.mappedImages, { recursive: true });
    sys.mount(join(base, 'data'), layout.mappedImages, '', 4096, '');
    make().sweep();
    expect(mounted()).toEqual([]);
    expect(existsSync(join(layout.mappedVolumes, 'c'))).toBe(false);
    expect(readFileSync(join(base, 'data/f'), 'utf8')).toBe('content');
  });

  it('that the file system refuses leave volumes as they are, and roots with the reason', async () => {
    const mapped = make(refusing);
    const namespace = await mapped.namespace(map);
    expect(mapped.stage('c', join(base, 'data'), namespace)).toBeUndefined();
    expect(() => mapped.during(join(base, 'data'), namespace, () => undefined)).toThrow(
      /Linux 5\.19 or later.*mount_setattr: EINVAL/,
    );
  });

  it('need a range that the machine has', async () => {
    await expect(make().namespace({ uid: { host: -5, size: 65_536 }, gid: map.gid })).rejects.toThrow(/EINVAL|EPERM/);
  });
});
