import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseUris } from './apt.ts';
import { loadedPart } from './elf.ts';
import { fetchLocked, PackageGone, readLock, writeLock } from './lock.ts';
import { nodePackage } from './npm.ts';
import { checkTools } from './tools.ts';
import { ARCHITECTURES, hostArchitecture, readRecipe, REPOSITORY } from './recipe.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'berth-lock-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const wanted = (content: string) => ({
  ...{ name: 'crun', version: '1.21-1', file: 'crun_1.21-1_amd64.deb' },
  ...{ uri: 'http://deb.example/crun.deb', sha256: sha256(content) },
});
const serving = (content: string, status = 200) => {
  const asked: string[] = [];
  const get: typeof fetch = (uri) => {
    asked.push(String(uri));
    return Promise.resolve(new Response(content, { status }));
  };
  return { asked, get };
};

describe('the packages of the manifest', () => {
  test('are fetched once, and again when what is there is not whole', async () => {
    const { asked, get } = serving('the package');
    const [path = ''] = await fetchLocked(folder, [wanted('the package')], get);
    expect(readFileSync(path, 'utf8')).toBe('the package');
    await fetchLocked(folder, [wanted('the package')], get);
    expect(asked).toEqual(['http://deb.example/crun.deb']);
    writeFileSync(path, 'the pack');
    await fetchLocked(folder, [wanted('the package')], get);
    expect(readFileSync(path, 'utf8')).toBe('the package');
  });

  test('are refused with another digest, with what to do, and nothing of them stays', async () => {
    const { get } = serving('another package');
    await expect(fetchLocked(folder, [wanted('the package')], get)).rejects.toThrow(
      /has the digest \w{64}, and the manifest says \w{64}: it is not used\. To do: /,
    );
    await expect(fetchLocked(folder, [wanted('the package')], serving('the package', 503).get)).rejects.toThrow(/503/);
  });

  test('may be gone from the archive, which is not the same as unreachable', async () => {
    await expect(fetchLocked(folder, [wanted('x')], serving('', 404).get)).rejects.toThrow(PackageGone);
    const offline: typeof fetch = () => Promise.reject(new TypeError('fetch failed'));
    await expect(fetchLocked(folder, [wanted('x')], offline)).rejects.toThrow(/To do: check the network/);
  });

  test('are kept per architecture', () => {
    const path = join(folder, 'manifest.json');
    writeLock('arm64', [wanted('a')], path);
    writeLock('amd64', [wanted('b')], path);
    expect([readLock('arm64', path)[0]?.sha256, readLock('amd64', path)[0]?.sha256]).toEqual([
      sha256('a'),
      sha256('b'),
    ]);
  });
});

test('the manifest has every package of the recipe for both architectures, each with its digest', () => {
  const recipe = readRecipe();
  for (const architecture of ARCHITECTURES) {
    const packages = readLock(architecture);
    expect(packages.map(({ name }) => name)).toEqual(
      expect.arrayContaining([...recipe.packages, recipe.kernel[architecture]]),
    );
    for (const each of packages) expect(each.sha256, each.name).toMatch(/^[0-9a-f]{64}$/);
  }
});

test('reads what apt would fetch', () => {
  const line = `'http://a/pool/x_1%3a2%2b3_all.deb' x_1%3a2+3_all.deb 12 SHA256:${'0'.repeat(64)}\nReading lists...\n`;
  expect(parseUris(line)).toEqual([
    {
      ...{ name: 'x', version: '1:2+3', file: 'x_1%3a2+3_all.deb' },
      ...{ uri: 'http://a/pool/x_1%3a2%2b3_all.deb', sha256: '0'.repeat(64) },
    },
  ]);
});

test('says at once which programs are missing, and how to have them', () => {
  expect(() => checkTools(folder)).toThrow(/missing here: .*mkfs\.erofs.*To do: apt-get install .*erofs-utils/);
});

test('a program without its symbols is shorter and has all that is loaded', () => {
  const elf = readFileSync(join(REPOSITORY, 'node_modules', nodePackage(hostArchitecture()), 'bin/node'));
  const part = loadedPart(elf);
  expect(part.length).toBeLessThan(elf.length * 0.95);
  expect(part.subarray(64).equals(elf.subarray(64, part.length))).toBe(true);
  expect(() => loadedPart(Buffer.from('#!/bin/sh\n'))).toThrow('no ELF file');
});
