import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { syscalls } from '../../system/syscalls.ts';
import { makeTar, type TarEntry } from '../../testing/tar.ts';
import { sha256 } from '../../testing/image.ts';
import { runTask } from './run-task.ts';

// Needs root: ownership, device nodes and trusted attributes are really made.
let base: string;
let root: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'berth-unpack-'));
  root = join(base, 'layer');
  mkdirSync(join(base, 'outside'));
  writeFileSync(join(base, 'outside', 'victim'), 'untouched');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const silent = { onBytes: () => undefined, onRetry: () => undefined, onVerified: () => undefined };

/** Unpacks as a pull does, from a stored blob. */
function unpack(tar: Buffer, blob = tar, diffId = sha256(tar), digest = sha256(blob)): Promise<number> {
  const storedPath = join(base, 'blob');
  writeFileSync(storedPath, blob);
  const task = {
    id: 1,
    digest,
    size: blob.length,
    storedPath,
    unpack: { directory: root, diffId, overlayPrefix: 'trusted.' as const },
  };
  return runTask(task, new AbortController().signal, silent);
}
const layer = (...entries: TarEntry[]) => unpack(makeTar(entries));
const opaque = (name: string) => syscalls().lgetxattr(join(root, name), 'trusted.overlay.opaque')?.toString();

describe('what an honest layer becomes', () => {
  it('keeps mode, owner, time, links, devices and attributes', async () => {
    const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
    const size = await layer(
      { name: './', type: 'dir', mode: 0o755 },
      { name: 'usr/bin/', type: 'dir', mode: 0o755, mtime: 1000 },
      { name: 'usr/bin/su', content: '#!', mode: 0o4755, uid: 0, gid: 42, mtime: 2000.5 },
      { name: 'usr/bin/su2', type: 'link', linkname: 'usr/bin/su' },
      {
        name: 'usr/bin/ping',
        content: 'ping',
        uid: 5,
        xattrs: { 'security.capability': capability, 'user.note': 'hi', 'trusted.overlay.opaque': 'y' },
      },
      { name: 'home/', type: 'dir', mode: 0o1777, uid: 1000, gid: 1000 },
      { name: 'sh', type: 'symlink', linkname: '/bin/busybox', uid: 7, mtime: 3000 },
      { name: 'dev/null', type: 'char', major: 1, minor: 3, mode: 0o666 },
      { name: 'dev/vda', type: 'block', major: 254, minor: 300, mode: 0o660 },
      { name: 'run/pipe', type: 'fifo', mode: 0o622 },
    );
    expect(size).toBe(6);
    const su = lstatSync(join(root, 'usr/bin/su'));
    expect([su.mode & 0o7777, su.uid, su.gid, su.mtimeMs, su.nlink]).toEqual([0o4755, 0, 42, 2_000_500, 2]);
    expect(lstatSync(join(root, 'usr/bin/su2')).ino).toBe(su.ino);
    expect(lstatSync(join(root, 'usr/bin')).mtimeMs).toBe(1_000_000);
    const home = lstatSync(join(root, 'home'));
    expect([home.mode & 0o7777, home.uid]).toEqual([0o1777, 1000]);
    const sh = lstatSync(join(root, 'sh'));
    expect([readlinkSync(join(root, 'sh')), sh.uid, sh.mtimeMs]).toEqual(['/bin/busybox', 7, 3_000_000]);
    expect(lstatSync(join(root, 'dev/null')).rdev).toBe(statSync('/dev/null').rdev);
    const vda = lstatSync(join(root, 'dev/vda'));
    expect([vda.isBlockDevice(), vda.mode & 0o777]).toEqual([true, 0o660]);
    expect(lstatSync(join(root, 'run/pipe')).isFIFO()).toBe(true);
    const attribute = (name: string) => syscalls().lgetxattr(join(root, 'usr/bin/ping'), name);
    expect(attribute('security.capability')).toEqual(capability);
    expect(attribute('user.note')?.toString()).toBe('hi');
    // an image does not steer overlayfs
    expect(attribute('trusted.overlay.opaque')).toBeUndefined();
  });

  it('turns whiteouts into what overlayfs understands', async () => {
    await layer(
      { name: 'etc/', type: 'dir' },
      { name: 'etc/.wh.gone' },
      { name: 'var/.wh..wh..opq' },
      { name: 'var/kept', content: 'x' },
      { name: '.wh..wh.plnk/', type: 'dir' },
      { name: 'both/new', content: 'made again' },
      { name: '.wh.both' },
      { name: '.wh.later' },
      { name: 'later/', type: 'dir' },
      { name: 'later/file', content: 'x' },
      { name: '.wh.again' },
      { name: 'again', content: 'file' },
    );
    const gone = lstatSync(join(root, 'etc/gone'));
    expect([gone.isCharacterDevice(), gone.rdev]).toEqual([true, 0]);
    expect(readdirSync(join(root, 'etc'))).toEqual(['gone']);
    expect([opaque('var'), opaque('both'), opaque('later'), opaque('etc')]).toEqual(['y', 'y', 'y', undefined]);
    expect(readFileSync(join(root, 'again'), 'utf8')).toBe('file');
    expect(existsSync(join(root, '.wh..wh.plnk'))).toBe(false);
  });

  it('lets a later entry of the same name win', async () => {
    await layer(
      { name: 'a', content: 'first' },
      { name: 'a', content: 'second' },
      { name: 'd/', type: 'dir' },
      { name: 'd/x', content: 'x' },
      { name: 'd', type: 'symlink', linkname: 'a' },
      { name: 'e', type: 'symlink', linkname: '/etc' },
      { name: 'e/', type: 'dir' },
      { name: 'e/f', content: 'f' },
    );
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('second');
    expect(readlinkSync(join(root, 'd'))).toBe('a');
    expect(lstatSync(join(root, 'e')).isDirectory()).toBe(true);
  });

  it('keeps names that are not UTF-8 byte by byte', async () => {
    const tar = makeTar([{ name: 'XXXX', content: 'x' }]);
    tar.write('\xff\xfe', 0, 'latin1');
    tar.fill(0x20, 148, 156);
    tar.write(
      `${tar
        .subarray(0, 512)
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)}\0`,
      148,
      'latin1',
    );
    await unpack(tar);
    expect(readdirSync(root, { encoding: 'buffer' })[0]).toEqual(Buffer.from([0xff, 0xfe, 0x58, 0x58]));
  });

  it('reads gzip and zstd, also of several members or frames, and plain archives', async () => {
    const tar = makeTar([{ name: 'file', content: 'x'.repeat(300_000) }]);
    const half = 150_000;
    const [first, second] = [tar.subarray(0, half), tar.subarray(half)];
    const skippable = Buffer.from('502a4d1804000000deadbeef', 'hex');
    for (const blob of [
      tar,
      gzipSync(tar),
      zstdCompressSync(tar),
      Buffer.concat([gzipSync(first), gzipSync(second)]),
      Buffer.concat([zstdCompressSync(first), skippable, zstdCompressSync(second)]),
    ]) {
      expect(await unpack(tar, blob)).toBe(300_000);
      expect(statSync(join(root, 'file')).size).toBe(300_000);
      rmSync(root, { recursive: true });
    }
  });
});

describe('what an evil or damaged layer cannot do', () => {
  const untouched = () => {
    expect(readdirSync(join(base, 'outside'))).toEqual(['victim']);
    expect(readFileSync(join(base, 'outside', 'victim'), 'utf8')).toBe('untouched');
    expect(readdirSync(base).sort()).toEqual(['blob', 'layer', 'outside']);
  };

  it.each<[string, TarEntry[]]>([
    ['a name that climbs out', [{ name: '../outside/victim', content: 'evil' }]],
    ['a name that climbs out from below', [{ name: 'a/../../outside/new', content: 'evil' }]],
    ['a directory that climbs out', [{ name: '../evil/', type: 'dir' }]],
    ['a hard link to the outside', [{ name: 'x', type: 'link', linkname: '../outside/victim' }]],
    ['a hard link to an absolute name', [{ name: 'x', type: 'link', linkname: '/etc/passwd' }]],
    ['a whiteout that climbs out', [{ name: '../outside/.wh.victim' }]],
    ['a whiteout of the parent', [{ name: 'a/.wh...' }]],
    ['an opaque marker outside', [{ name: '../outside/.wh..wh..opq' }]],
    [
      'a file in a file',
      [
        { name: 'a', content: 'x' },
        { name: 'a/b', content: 'x' },
      ],
    ],
    ['a file as the root', [{ name: './', content: 'x' }]],
    [
      'a circle of links',
      [
        { name: 'a', type: 'symlink', linkname: 'b' },
        { name: 'b', type: 'symlink', linkname: 'a' },
        { name: 'a/x', content: 'x' },
      ],
    ],
  ])('%s is refused', async (_what, entries) => {
    await expect(layer(...entries)).rejects.toThrow(/^failed to register layer: /);
    untouched();
  });

  it('writing through a symbolic link stays inside', async () => {
    await layer(
      { name: 'up', type: 'symlink', linkname: '../../outside' },
      { name: 'up/victim', content: 'evil' },
      { name: 'abs', type: 'symlink', linkname: join(base, 'outside') },
      { name: 'abs/victim', content: 'evil' },
      { name: 'abs/.wh.gone' },
      { name: 'chain', type: 'symlink', linkname: 'abs' },
      { name: 'chain/deep/file', content: 'evil' },
      { name: 'hard', type: 'link', linkname: 'up/victim' },
    );
    untouched();
    expect(readFileSync(join(root, 'outside/victim'), 'utf8')).toBe('evil');
    expect(readFileSync(join(root, base, 'outside/deep/file'), 'utf8')).toBe('evil');
  });

  it('a final link is replaced, never followed', async () => {
    await layer(
      { name: 'victim', type: 'symlink', linkname: join(base, 'outside/victim') },
      { name: 'victim', content: 'evil', mode: 0o777, uid: 5 },
      { name: 'link', type: 'symlink', linkname: join(base, 'outside/victim') },
      { name: 'hard', type: 'link', linkname: 'link' },
      { name: 'hard', content: 'evil' },
    );
    untouched();
    expect(statSync(join(base, 'outside/victim')).uid).toBe(0);
  });

  it('an archive with another diff id, a damaged or a cut blob is refused', async () => {
    const tar = makeTar([{ name: 'a', content: 'x'.repeat(100_000) }]);
    const blob = gzipSync(tar);
    await expect(unpack(tar, blob, `sha256:${'0'.repeat(64)}`)).rejects.toThrow(
      'wrong diff id calculated on extraction',
    );
    rmSync(root, { recursive: true });
    const damaged = Buffer.from(blob);
    damaged[blob.length >> 1] = (damaged[blob.length >> 1] as number) ^ 0xff;
    // the digest says that it is damaged, not that the image is wrong
    await expect(unpack(tar, damaged, sha256(tar), sha256(blob))).rejects.toThrow(
      'filesystem layer verification failed for digest',
    );
    rmSync(root, { recursive: true });
    await expect(unpack(tar, damaged)).rejects.toThrow(/^failed to register layer: /);
    rmSync(root, { recursive: true });
    await expect(unpack(tar, blob.subarray(0, 40))).rejects.toThrow(/unexpected end of file|unexpected EOF/);
  });
});
