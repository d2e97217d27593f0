import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTar } from '../../testing/tar.ts';
import { TarError, TarReader, type TarHeader } from './reader.ts';

function read(archive: Buffer, piece = archive.length): { header: TarHeader; content: string }[] {
  const found: { header: TarHeader; content: string }[] = [];
  const reader = new TarReader({
    entry: (header) => found.push({ header, content: '' }),
    content: (chunk) => {
      const last = found.at(-1);
      if (last) last.content += chunk.toString('latin1');
    },
  });
  for (let at = 0; at < archive.length; at += piece) reader.push(archive.subarray(at, at + piece));
  reader.end();
  return found;
}

const LONG = `${'d/'.repeat(80)}${'n'.repeat(200)}`;

describe('TarReader', () => {
  it.each(['pax', 'gnu'] as const)('reads %s archives cut anywhere', (format) => {
    const archive = makeTar(
      [
        { name: 'dir/', type: 'dir', mode: 0o1777 },
        { name: 'dir/file', content: 'hello', mode: 0o4755, uid: 1000, gid: 100 },
        { name: LONG, content: 'long' },
        { name: 'link', type: 'link', linkname: LONG },
        { name: 'sym', type: 'symlink', linkname: '/x'.repeat(100) },
        { name: 'null', type: 'char', major: 1, minor: 3 },
        { name: 'empty' },
        { name: 'big-owner', uid: 3_000_000, content: 'x'.repeat(1024) },
      ],
      format,
    );
    const whole = read(archive);
    expect(whole.map(({ header }) => [header.name, header.type])).toEqual([
      ['dir/', 'dir'],
      ['dir/file', 'file'],
      [LONG, 'file'],
      ['link', 'link'],
      ['sym', 'symlink'],
      ['null', 'char'],
      ['empty', 'file'],
      ['big-owner', 'file'],
    ]);
    expect(whole[1]).toMatchObject({
      content: 'hello',
      header: { mode: 0o4755, uid: 1000, gid: 100, size: 5, mtime: 1_700_000_000 },
    });
    expect(whole[3]?.header.linkname).toBe(LONG);
    expect(whole[5]?.header).toMatchObject({ major: 1, minor: 3 });
    expect(whole[7]?.header.uid).toBe(3_000_000);
    for (const piece of [1, 7, 511, 512, 513, 1000]) expect(read(archive, piece)).toEqual(whole);
  });

  it('reads extended attributes, fractions of seconds and names that are not UTF-8', () => {
    const [entry] = read(makeTar([{ name: 'é', mtime: 1.25, xattrs: { 'user.a': Buffer.from([0, 255, 61, 10]) } }]));
    expect(entry?.header.mtime).toBe(1.25);
    expect(Buffer.from(entry?.header.name ?? '', 'latin1').toString('utf8')).toBe('é');
    expect(entry?.header.xattrs.get('user.a')).toEqual(Buffer.from([0, 255, 61, 10]));
  });

  it('reads what GNU tar writes', () => {
    const directory = mkdtempSync(join(tmpdir(), 'berth-tar-'));
    try {
      mkdirSync(join(directory, 'in', 'a'.repeat(120)), { recursive: true });
      writeFileSync(join(directory, 'in', 'a'.repeat(120), 'file'), 'content');
      symlinkSync('x'.repeat(150), join(directory, 'in', 'link'));
      for (const format of ['gnu', 'pax', 'ustar', 'v7', 'oldgnu']) {
        const names =
          format === 'ustar' || format === 'v7' ? ['--exclude=link', '--exclude=file', '--transform=s/aaaa*/b/'] : [];
        const archive = execFileSync('tar', [
          '-C',
          directory,
          '--sort=name',
          `--format=${format}`,
          ...names,
          '-cf',
          '-',
          'in',
        ]);
        const found = read(archive);
        expect(found[0]?.header).toMatchObject({ name: 'in/', type: 'dir' });
        if (names.length === 0) {
          expect(found.find(({ header }) => header.name.endsWith('/file'))?.content).toBe('content');
          expect(found.find(({ header }) => header.type === 'symlink')?.header.linkname).toBe('x'.repeat(150));
        }
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('refuses what is damaged, cut short or not understood', () => {
    const archive = makeTar([{ name: 'a', content: 'x'.repeat(600) }]);
    expect(() => read(archive.subarray(0, 700))).toThrow('unexpected EOF');
    expect(() => read(archive.subarray(0, 100))).toThrow('unexpected EOF');
    const damaged = Buffer.from(archive);
    damaged[0] = 0x62;
    expect(() => read(damaged)).toThrow(TarError);
    expect(() => read(Buffer.alloc(1024, 'not a tar archive '))).toThrow(TarError);
    const sparse = makeTar([{ name: 'a' }]);
    sparse[156] = 'S'.charCodeAt(0);
    sparse.fill(0x20, 148, 156);
    sparse.write(
      `${sparse
        .subarray(0, 512)
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)}\0`,
      148,
      'latin1',
    );
    expect(() => read(sparse)).toThrow('sparse files');
  });

  it('takes an archive without its end blocks, and one of nothing, as Docker does', () => {
    const archive = makeTar([{ name: 'a', content: 'x' }]);
    expect(read(archive.subarray(0, 1024))).toHaveLength(1);
    expect(read(Buffer.alloc(1024))).toEqual([]);
    expect(read(Buffer.alloc(0))).toEqual([]);
  });
});
