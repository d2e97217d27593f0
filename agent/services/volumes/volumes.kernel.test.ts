import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  lchownSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Layout } from '../../store/layout.ts';
import { syscalls } from '../../system/syscalls.ts';
import { createVolumes, type Volumes } from './create.ts';

let base: string;
let volumes: Volumes;
let users: Record<string, string[]>;
let events: string[];
let warnings: string[];

const open = () =>
  createVolumes({
    layout: new Layout(join(base, 'root'), join(base, 'run')),
    sys: syscalls(),
    log: { info: () => undefined, warn: (message) => void warnings.push(message), error: () => undefined },
    users: { usersOf: (name) => users[name] ?? [] },
    events: { emit: (type, action, id) => void events.push(`${type} ${action} ${id}`) },
  });
const filters = (values: Record<string, string[]>) =>
  new Map(Object.entries(values).map(([name, list]) => [name, new Set(list)]));
const none = filters({});

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'berth-volumes-'));
  [users, events, warnings] = [{}, [], []];
  volumes = await open();
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe('making', () => {
  it('makes a volume once, and finds it after a restart', async () => {
    const [first, second] = await Promise.all([
      volumes.create({ Name: 'data', Labels: { a: '1' } }),
      volumes.create({ Name: 'data' }),
    ]);
    expect(first).toMatchObject({
      Name: 'data',
      Driver: 'local',
      Scope: 'local',
      Labels: { a: '1' },
      Options: null,
      Mountpoint: join(base, 'root/volumes/data/_data'),
    });
    expect(second).toEqual(first);
    expect(statSync(first.Mountpoint).isDirectory()).toBe(true);
    expect(events).toEqual(['volume create data']);
    expect((await open()).find('data')).toEqual(first);
  });
  it('names what nobody named', async () => {
    const made = await volumes.create({});
    expect(made.Name).toMatch(/^[0-9a-f]{64}$/);
    expect(made.Labels).toEqual({ 'com.docker.volume.anonymous': '' });
  });
  it.each([
    [{ Name: 'a' }, 'create a: volume name is too short, names should be at least two alphanumeric characters'],
    [
      { Name: '../x' },
      'create ../x: "../x" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
    ],
    [{ Name: 'vv', Driver: 'foo' }, 'create vv: error looking up volume plugin foo: plugin "foo" not found'],
    [{ Name: 'vv', DriverOpts: { foo: '1' } }, 'create vv: invalid option: "foo"'],
    [{ Name: 'vv', DriverOpts: { type: 'tmpfs' } }, 'create vv: missing required option: "device"'],
    [{ Name: 'vv', DriverOpts: { size: '1g' } }, 'create vv: quota size requested but no quota support'],
  ])('%j', async (request, message) => {
    await expect(volumes.create(request)).rejects.toThrow(message);
    expect(readdirSync(join(base, 'root/volumes'))).toEqual([]);
  });
});

describe('removing', () => {
  it('removes with all in it', async () => {
    const { Mountpoint } = await volumes.create({ Name: 'data' });
    writeFileSync(join(Mountpoint, 'f'), 'x');
    await volumes.remove('data', false);
    expect(readdirSync(join(base, 'root/volumes'))).toEqual([]);
    await expect(volumes.inspect('data')).rejects.toMatchObject({
      kind: 'not-found',
      message: 'get data: no such volume',
    });
    await expect(volumes.remove('data', false)).rejects.toMatchObject({ kind: 'not-found' });
    await volumes.remove('data', true);
  });
  it('not what is in use', async () => {
    await volumes.create({ Name: 'data' });
    users['data'] = ['abc', 'def'];
    await expect(volumes.remove('data', true)).rejects.toMatchObject({
      kind: 'conflict',
      message: 'remove data: volume is in use - [abc, def]',
    });
  });
  it('finishes at the next start what a crash cut off', async () => {
    mkdirSync(join(base, 'root/volumes/.gone-x-1/_data'), { recursive: true });
    await open();
    expect(existsSync(join(base, 'root/volumes/.gone-x-1'))).toBe(false);
  });
  it('keeps data whose record cannot be read', async () => {
    const { Mountpoint } = await volumes.create({ Name: 'data' });
    writeFileSync(join(Mountpoint, 'f'), 'x');
    writeFileSync(join(base, 'root/volumes/data/volume.json'), '{');
    expect((await open()).find('data')).toMatchObject({ Name: 'data', Mountpoint });
    expect(readFileSync(join(Mountpoint, 'f'), 'utf8')).toBe('x');
    expect(warnings).toHaveLength(1);
  });
});

describe('listing and pruning', () => {
  beforeEach(async () => {
    await volumes.create({ Name: 'one', Labels: { k: 'v' } });
    await volumes.create({ Name: 'two' });
    await volumes.create({ Name: '' });
    users['two'] = ['c'];
    writeFileSync(join(volumes.find('one')?.Mountpoint as string, 'f'), 'x'.repeat(1000));
  });
  it.each([
    [{ name: ['one'] }, 1],
    [{ label: ['k'] }, 1],
    [{ label: ['k=w'] }, 0],
    [{ dangling: ['true'] }, 2],
    [{ dangling: ['0'] }, 1],
    [{ driver: ['local'] }, 3],
    [{ driver: ['nfs'] }, 0],
    [{}, 3],
  ])('%j finds %i', async (asked, count) =>
    expect((await volumes.list(filters(asked as Record<string, string[]>))).Volumes).toHaveLength(count),
  );
  it('refuses a filter that is neither true nor false', async () => {
    await expect(volumes.list(filters({ dangling: ['perhaps'] }))).rejects.toMatchObject({
      kind: 'invalid-parameter',
      message: `invalid filter 'dangling=["perhaps"]'`,
    });
  });
  it('prunes the anonymous, or all that nobody uses', async () => {
    const first = await volumes.prune(none);
    expect(first.VolumesDeleted).toHaveLength(1);
    expect(await volumes.prune(filters({ all: ['true'], 'label!': ['k'] }))).toEqual({
      VolumesDeleted: [],
      SpaceReclaimed: 0,
    });
    expect(await volumes.prune(filters({ all: ['true'] }))).toEqual({ VolumesDeleted: ['one'], SpaceReclaimed: 1000 });
    expect((await volumes.list(none)).Volumes.map((volume) => volume.Name)).toEqual(['two']);
  });
  it('measures', async () => {
    const usage = await volumes.usage();
    expect(usage.find((volume) => volume.Name === 'one')?.UsageData).toEqual({ Size: 1000, RefCount: 0 });
    expect(usage.find((volume) => volume.Name === 'two')?.UsageData).toEqual({ Size: 0, RefCount: 1 });
  });
});

describe('copying the image’s content', () => {
  it('keeps modes, owners, links, devices and attributes, once', async () => {
    const from = join(base, 'from');
    mkdirSync(join(from, 'd'), { recursive: true });
    writeFileSync(join(from, 'd/f'), 'data');
    lchownSync(join(from, 'd/f'), 7, 8);
    chmodSync(join(from, 'd/f'), 0o4750);
    linkSync(join(from, 'd/f'), join(from, 'hard'));
    symlinkSync('/etc/passwd', join(from, 'sym'));
    syscalls().mkfifo(join(from, 'fifo'), 0o600);
    syscalls().lsetxattr(join(from, 'd/f'), 'user.note', Buffer.from('hi'));
    chmodSync(from, 0o1777);
    lchownSync(from, 5, 6);
    const { Mountpoint } = await volumes.create({ Name: 'data' });
    await volumes.copyUp('data', from);
    expect(statSync(Mountpoint)).toMatchObject({ mode: 0o41777, uid: 5, gid: 6 });
    expect(statSync(join(Mountpoint, 'hard'))).toMatchObject({ mode: 0o104750, uid: 7, gid: 8, nlink: 2 });
    expect(readlinkSync(join(Mountpoint, 'sym'))).toBe('/etc/passwd');
    expect(statSync(join(Mountpoint, 'fifo')).isFIFO()).toBe(true);
    expect(syscalls().lgetxattr(join(Mountpoint, 'd/f'), 'user.note')?.toString()).toBe('hi');
    writeFileSync(join(from, 'later'), '');
    await volumes.copyUp('data', from);
    expect(existsSync(join(Mountpoint, 'later'))).toBe(false);
  });
});

describe('volumes with a device of their own', () => {
  const options = (path: string) => execFileSync('findmnt', ['-no', 'FSTYPE,OPTIONS', path], { encoding: 'utf8' });
  it('mounts while somebody uses it', async () => {
    const { Mountpoint } = await volumes.create({
      Name: 'tmp',
      DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=64k,nodev' },
    });
    await volumes.use?.(['tmp'], 'one');
    await volumes.use?.(['tmp'], 'two');
    expect(options(Mountpoint)).toMatch(/tmpfs.*nodev.*size=64k/);
    await volumes.release?.('one');
    expect(options(Mountpoint)).toContain('tmpfs');
    await volumes.release?.('two');
    expect(() => options(Mountpoint)).toThrow();
  });
  it('unmounts before it removes, so that the source stays', async () => {
    const source = join(base, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'keep'), '');
    await volumes.create({ Name: 'bound', DriverOpts: { type: 'none', device: source, o: 'bind' } });
    await volumes.use?.(['bound'], 'one');
    await volumes.remove('bound', false);
    expect(existsSync(join(source, 'keep'))).toBe(true);
  });
  it('says why it cannot be mounted, without a password', async () => {
    await volumes.create({
      Name: 'bad',
      DriverOpts: { type: 'nosuchfs', device: '//x/y', o: 'user=u,password=secret' },
    });
    const failure = await volumes.use?.(['bad'], 'one').catch((error: Error) => error.message);
    expect(failure).toContain('failed to mount local volume');
    expect(failure).not.toContain('secret');
  });
});
