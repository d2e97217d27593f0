import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  chmodSync,
  linkSync,
  existsSync,
  lchownSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MountPoint } from '../../api/container.ts';
import { checkCreate } from '../../runtime/spec/check-create.ts';
import { recordOf, someFacts, someRequest } from '../../runtime/spec/testing.ts';
import { Layout } from '../../store/layout.ts';
import { MNT, syscalls } from '../../system/syscalls.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainerLookup } from '../containers/types.ts';
import { createArchive, type ArchiveBackend } from './create.ts';
import { tarHeader } from './tar-writer.ts';

let base: string;
let root: string;
let outside: string;
let record: ContainerRecord;
let archive: ArchiveBackend;

const sys = syscalls();
const file = (path: string, content = 'x') => {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
};

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'berth-archive-'));
  root = join(base, 'root');
  outside = join(base, 'outside');
  mkdirSync(root);
  mkdirSync(outside);
  file(join(outside, 'secret'), 'secret');
  record = recordOf(checkCreate(someRequest(), {}, someFacts()), 'c'.repeat(64));
  archive = make(record);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function make(of: ContainerRecord, lowerdirs: string[] = []): ArchiveBackend {
  const containers = {
    get: () => of,
    withRoot: (_id: string, use: (path: string) => Promise<unknown>) => use(root),
  } as unknown as ContainerLookup;
  const images = { byId: () => ({ lowerdirs }) } as never;
  return createArchive({ containers, images, layout: new Layout(join(base, 'state'), join(base, 'run')), sys });
}

async function read(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await archive.read('c', path, new AbortController().signal, async (_stat, data) => {
    for await (const chunk of data) chunks.push(chunk);
  });
  return Buffer.concat(chunks);
}
const env = { ...process.env, LC_ALL: 'C.UTF-8' };
const list = (tar: Buffer) =>
  execFileSync('tar', ['-tvf', '-', '--numeric-owner', '--full-time'], { input: tar, encoding: 'utf8', env });
const names = (tar: Buffer) =>
  execFileSync('tar', ['-tPf', '-'], { input: tar, encoding: 'utf8', env }).trim().split('\n');
const put = (
  path: string,
  tar: Buffer,
  options: Partial<{ noOverwriteDirNonDir: boolean; copyUidGid: boolean }> = {},
) => archive.write('c', path, Readable.from([tar]), { noOverwriteDirNonDir: false, copyUidGid: false, ...options });

interface Part {
  name: string;
  type?: 'file' | 'dir' | 'symlink' | 'link';
  content?: string;
  linkname?: string;
  mode?: number;
  uid?: number;
}
function tarOf(...parts: Part[]): Buffer {
  const out: Buffer[] = [];
  for (const { name, type = 'file', content = '', linkname, mode = 0o644, uid = 0 } of parts) {
    const data = Buffer.from(content);
    out.push(
      tarHeader({ name, type, mode, uid, gid: uid, size: data.length, mtime: 1_600_000_000, linkname }),
      data,
      Buffer.alloc((512 - (data.length % 512)) % 512),
    );
  }
  return Buffer.concat([...out, Buffer.alloc(1024)]);
}

describe('what a path is', () => {
  it('tells a file, a directory and where a link leads, inside', async () => {
    file(join(root, 'etc/conf'), '12345');
    chmodSync(join(root, 'etc/conf'), 0o4750);
    symlinkSync('/etc/../etc/conf', join(root, 'link'));
    symlinkSync('../../../../nowhere/x', join(root, 'broken'));
    expect(await archive.stat('c', '/etc/conf')).toMatchObject({
      name: 'conf',
      size: 5,
      mode: 2 ** 23 + 0o750,
      linkTarget: '',
    });
    expect(await archive.stat('c', 'etc/')).toMatchObject({ name: 'etc', mode: 2 ** 31 + 0o755 });
    expect(await archive.stat('c', '/')).toMatchObject({ name: '/' });
    expect(await archive.stat('c', '/link')).toMatchObject({
      name: 'link',
      mode: 2 ** 27 + 0o777,
      linkTarget: '/etc/conf',
    });
    expect(await archive.stat('c', '/broken')).toMatchObject({ linkTarget: '/nowhere/x' });
  });
  it.each(['/nope', '/etc/conf/x'])('%s is not there', async (path) => {
    await expect(archive.stat('c', path)).rejects.toMatchObject({
      kind: 'not-found',
      message: `Could not find the file ${path} in container c`,
    });
  });
  it('a file is no directory', async () => {
    file(join(root, 'file'));
    await expect(archive.stat('c', '/file/')).rejects.toMatchObject({
      kind: 'invalid-parameter',
      message: '/file/: not a directory',
    });
  });
  it('never looks outside', async () => {
    symlinkSync(outside, join(root, 'out'));
    symlinkSync('../'.repeat(20) + outside.slice(1), join(root, 'up'));
    await expect(archive.stat('c', '/out/secret')).rejects.toMatchObject({ kind: 'not-found' });
    await expect(archive.stat('c', '/up/secret')).rejects.toMatchObject({ kind: 'not-found' });
    await expect(archive.stat('c', `/../../../..${outside}/secret`)).rejects.toMatchObject({ kind: 'not-found' });
    symlinkSync('loop', join(root, 'loop'));
    await expect(archive.stat('c', '/loop/x')).rejects.toThrow('too many levels of symbolic links');
  });
});

describe('copying out', () => {
  it('makes an archive that tar reads: names, types, modes, owners, links', async () => {
    const long = 'd'.repeat(90);
    file(join(root, `a/${long}/${'f'.repeat(120)}`), 'deep');
    file(join(root, 'a/ümlaut'), 'data');
    linkSync(join(root, 'a/ümlaut'), join(root, 'a/zweit'));
    symlinkSync('ümlaut', join(root, 'a/sym'));
    lchownSync(join(root, 'a/ümlaut'), 3_000_000, 5);
    sys.mkfifo(join(root, 'a/fifo'), 0o600);
    const tar = await read('/a');
    expect(names(tar)).toEqual([
      'a/',
      `a/${long}/`,
      `a/${long}/${'f'.repeat(120)}`,
      'a/fifo',
      'a/sym',
      'a/zweit',
      'a/ümlaut',
    ]);
    expect(list(tar)).toMatch(/3000000\/5 +4 /);
    expect(list(tar)).toMatch(/a\/ümlaut link to a\/zweit/);
    const target = join(base, 'unpacked');
    mkdirSync(target);
    execFileSync('tar', ['-xf', '-', '-C', target], { input: tar });
    expect(readFileSync(join(target, 'a/zweit'), 'utf8')).toBe('data');
    expect(readlinkSync(join(target, 'a/sym'))).toBe('ümlaut');
  });
  it('names the entries after what was asked for', async () => {
    file(join(root, 'd/f'));
    symlinkSync('d', join(root, 'l'));
    expect(names(await read('/d'))).toEqual(['d/', 'd/f']);
    expect(names(await read('/d/.'))).toEqual(['./', './f']);
    expect(names(await read('/l'))).toEqual(['l']);
    expect(names(await read('/l/'))).toEqual(['l/', 'l/f']);
    expect(names(await read('/'))).toEqual(['/', '/d/', '/d/f', '/l']);
  });
  it('shows volumes of a stopped container where they would be', async () => {
    const point: MountPoint = {
      Type: 'bind',
      Source: outside,
      Destination: '/vol',
      Mode: '',
      RW: true,
      Propagation: '',
    };
    archive = make({ ...record, mounts: [point] });
    expect(names(await read('/vol'))).toEqual(['vol/', 'vol/secret']);
    await put('/vol', tarOf({ name: 'new', content: 'n' }));
    expect(readFileSync(join(outside, 'new'), 'utf8')).toBe('n');
    archive = make({ ...record, mounts: [{ ...point, RW: false }] });
    await expect(put('/vol', tarOf({ name: 'new' }))).rejects.toThrow('mounted volume is marked read-only');
  });
});

describe('copying in', () => {
  it('unpacks with modes, owners and times, plain or compressed', async () => {
    mkdirSync(join(root, 'to'));
    const tar = tarOf(
      { name: 'd/', type: 'dir', mode: 0o700 },
      { name: 'd/f', content: 'hello', mode: 0o4755, uid: 7 },
      { name: 'd/l', type: 'symlink', linkname: 'f' },
      { name: 'd/h', type: 'link', linkname: 'd/f' },
    );
    await put('/to', gzipSync(tar));
    expect(readFileSync(join(root, 'to/d/h'), 'utf8')).toBe('hello');
    expect(statSync(join(root, 'to/d/f'))).toMatchObject({
      mode: 0o104755,
      uid: 7,
      mtimeMs: 1_600_000_000_000,
      nlink: 2,
    });
    expect(statSync(join(root, 'to/d'))).toMatchObject({ mode: 0o40700, mtimeMs: 1_600_000_000_000 });
    expect(readlinkSync(join(root, 'to/d/l'))).toBe('f');
  });
  it('gives all to the container’s user when told to', async () => {
    mkdirSync(join(root, 'etc'));
    writeFileSync(join(root, 'etc/passwd'), 'bob:x:1000:1001::/:/bin/sh\n');
    archive = make({ ...record, config: { ...record.config, User: 'bob' } });
    await put('/', tarOf({ name: 'f' }), { copyUidGid: true });
    expect(statSync(join(root, 'f'))).toMatchObject({ uid: 1000, gid: 1001 });
  });
  it('never writes outside, whatever links there are or the archive brings', async () => {
    symlinkSync(outside, join(root, 'out'));
    mkdirSync(join(root, outside), { recursive: true });
    await put('/', tarOf({ name: 'out/evil', content: 'e' }));
    await put('/', tarOf({ name: 'x', type: 'symlink', linkname: '../../../../' + outside }, { name: 'x/evil2' }));
    await put('/out', tarOf({ name: 'evil3' }));
    for (const name of ['evil', 'evil2', 'evil3']) {
      expect(existsSync(join(outside, name))).toBe(false);
      expect(existsSync(join(root, outside, name))).toBe(true);
    }
    await expect(put('/', tarOf({ name: '../evil' }))).rejects.toMatchObject({ kind: 'invalid-parameter' });
    await expect(
      put('/', tarOf({ name: 'h', type: 'link', linkname: `../..${outside}/secret` })),
    ).rejects.toMatchObject({ kind: 'invalid-parameter' });
    await put(
      '/',
      tarOf({ name: 'link', type: 'symlink', linkname: join(outside, 'secret') }, { name: 'link', content: 'mine' }),
    );
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
    expect(lstatSync(join(root, 'link')).isFile()).toBe(true);
  });
  it('refuses what Docker refuses', async () => {
    file(join(root, 'f'));
    mkdirSync(join(root, 'd'));
    await expect(put('/nope', tarOf())).rejects.toMatchObject({
      kind: 'not-found',
      message: 'Could not find the file /nope in container c',
    });
    await expect(put('/f', tarOf())).rejects.toMatchObject({
      kind: 'invalid-parameter',
      message: 'extraction point is not a directory',
    });
    await expect(put('/', tarOf({ name: 'd' }), { noOverwriteDirNonDir: true })).rejects.toThrow(
      'cannot overwrite directory "/d" with non-directory "/"',
    );
    await expect(put('/', tarOf({ name: 'f/', type: 'dir' }), { noOverwriteDirNonDir: true })).rejects.toThrow(
      'cannot overwrite non-directory "/f" with directory "/"',
    );
    await expect(put('/', Buffer.alloc(600, 1))).rejects.toMatchObject({ kind: 'invalid-parameter' });
    await expect(put('/', tarOf({ name: 'a', content: 'x'.repeat(2000) }).subarray(0, 900))).rejects.toMatchObject({
      kind: 'invalid-parameter',
    });
    archive = make({ ...record, hostConfig: { ...record.hostConfig, ReadonlyRootfs: true } });
    await expect(put('/', tarOf({ name: 'a' }))).rejects.toThrow('container rootfs is marked read-only');
  });
  it('replaces a directory by a file and the other way round', async () => {
    file(join(root, 'd/sub/f'));
    file(join(root, 'f'));
    await put('/', tarOf({ name: 'd', content: 'now a file' }, { name: 'f/', type: 'dir' }));
    expect([readFileSync(join(root, 'd'), 'utf8'), statSync(join(root, 'f')).isDirectory()]).toEqual([
      'now a file',
      true,
    ]);
  });
  it('leaves no way out to one who exchanges directories for links meanwhile', async () => {
    mkdirSync(join(root, 'a'));
    symlinkSync(outside, join(root, 'trap'));
    const script = `const f=require('fs'),j=require('path').join,r=${JSON.stringify(root)};for(;;){try{f.renameSync(j(r,'a'),j(r,'b'));f.renameSync(j(r,'trap'),j(r,'a'));f.renameSync(j(r,'a'),j(r,'trap'));f.renameSync(j(r,'b'),j(r,'a'))}catch{}}`;
    const swapper = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
    try {
      for (const end = Date.now() + 1000; Date.now() < end;)
        await put('/', tarOf({ name: 'a/evil', content: 'e' })).catch(() => undefined);
    } finally {
      swapper.kill('SIGKILL');
      await once(swapper, 'exit');
    }
    expect(existsSync(join(outside, 'evil'))).toBe(false);
  });
});

it('reads a running container as its processes see it', async () => {
  file(join(root, 'bin/f'));
  mkdirSync(join(root, 'mnt'));
  execFileSync('cp', ['/bin/busybox', join(root, 'busybox')]);
  const script = `mount --rbind ${root} ${root}; mount -t tmpfs none ${root}/mnt; echo inside > ${root}/mnt/f; exec chroot ${root} /busybox sleep 30`;
  const child = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  try {
    const pid = child.pid as number;
    await expect
      .poll(() => existsSync(`/proc/${pid}/root/mnt/f`) && readlinkSync(`/proc/${pid}/root`), { timeout: 5000 })
      .toBe(root);
    archive = make({ ...record, state: { ...record.state, Running: true, Pid: pid } });
    expect(names(await read('/mnt'))).toEqual(['mnt/', 'mnt/f']);
    await put('/mnt', tarOf({ name: 'g', content: 'from the host' }));
    expect(readFileSync(`/proc/${pid}/root/mnt/g`, 'utf8')).toBe('from the host');
    expect(existsSync(join(root, 'mnt/g'))).toBe(false);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
});

it('exports all of the root', async () => {
  file(join(root, 'etc/a'));
  const chunks: Buffer[] = [];
  await archive.export('c', new AbortController().signal, async (data) => {
    for await (const chunk of data) chunks.push(chunk);
  });
  expect(names(Buffer.concat(chunks))).toEqual(['etc/', 'etc/a']);
});

it('tells what a container changed', async () => {
  const layout = new Layout(join(base, 'state'), join(base, 'run'));
  const { upper, work, merged } = layout.overlay(record.id);
  const [low, lower] = [join(base, 'low'), join(base, 'lower')];
  for (const path of [upper, work, merged, low, lower]) mkdirSync(path, { recursive: true });
  for (const name of ['etc/keep', 'etc/change', 'etc/gone', 'dir/a', 'dir/b', 'away/x', 'opaque/old'])
    file(join(lower, name));
  file(join(low, 'etc/below'));
  sys.mount(
    'overlay',
    merged,
    'overlay',
    0,
    `lowerdir=${lower}:${low},upperdir=${upper},workdir=${work},index=off,metacopy=off`,
  );
  try {
    file(join(merged, 'etc/change'), 'changed');
    rmSync(join(merged, 'etc/gone'));
    rmSync(join(merged, 'etc/below'));
    file(join(merged, 'dir/new/f'));
    rmSync(join(merged, 'away'), { recursive: true });
    rmSync(join(merged, 'opaque'), { recursive: true });
    file(join(merged, 'opaque/fresh'));
    // the runtime's own
    file(join(merged, 'etc/hosts'), '');
    mkdirSync(join(merged, 'proc'));
    mkdirSync(join(merged, 'dev'));
    mkdirSync(join(merged, 'dev/pts'));
    archive = make(record, [lower, low]);
    const got = (await archive.changes('c')).map(({ Path, Kind }) => `${'CAD'[Kind]} ${Path}`);
    expect(got).toEqual([
      'D /away',
      'C /dir',
      'A /dir/new',
      'A /dir/new/f',
      'C /etc',
      'D /etc/below',
      'C /etc/change',
      'D /etc/gone',
      'C /opaque',
      'A /opaque/fresh',
      'D /opaque/old',
    ]);
  } finally {
    sys.umount(merged, MNT.DETACH);
  }
});
