import { createHash } from 'node:crypto';
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
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startNewest } from './image-history.ts';
import type { MachineImage } from './image.ts';
import { machinePaths, type MachinePaths } from './paths.ts';
import { MachineError } from './types.ts';

let folder: string;
let paths: MachinePaths;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-images-'));
  paths = machinePaths({ BERTH_MACHINE_HOME: join(folder, 'home') });
  mkdirSync(paths.home);
});
afterEach(() => rmSync(folder, { recursive: true }));

function image(version: string): string {
  const directory = join(folder, version);
  mkdirSync(directory);
  const files = Object.fromEntries(
    ['kernel', 'initrd', 'root'].map((name) => {
      const text = `${name} of ${version}`;
      writeFileSync(join(directory, name), text);
      return [name, { name, size: text.length, sha256: createHash('sha256').update(text).digest('hex') }];
    }),
  );
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify({ version, architecture: 'amd64', files }));
  return directory;
}

/** Starts all images but those of these versions; keeps what was tried. */
function starter(broken: string[], error = new MachineError('it stopped', 'see the console', 'mounted')) {
  const tried: string[] = [];
  const attempt = (opened: MachineImage) => {
    tried.push(opened.version);
    return broken.includes(opened.version) ? Promise.reject(error) : Promise.resolve(opened.version);
  };
  return { tried, attempt };
}

test('keeps the files of the last image that got ready, also when they go elsewhere', async () => {
  const { attempt } = starter(['2']);
  const one = image('1');
  expect(await startNewest(paths, one, attempt)).toMatchObject({ result: '1' });
  rmSync(one, { recursive: true });
  const { result, warning } = await startNewest(paths, image('2'), attempt);
  expect(result).toBe('1');
  expect(warning).toMatch(/new image of the machine \(2\) did not get ready: it stopped.*\(1\) runs instead/);
});

test('does not try an image that failed again for a day', async () => {
  const { attempt, tried } = starter(['2']);
  let time = 0;
  const options = { now: () => time };
  await startNewest(paths, image('1'), attempt, options);
  const two = image('2');
  await startNewest(paths, two, attempt, options);
  expect(tried).toEqual(['1', '2', '1']);
  time = 1000;
  expect((await startNewest(paths, two, attempt, options)).warning).toContain('(2) did not get ready');
  expect(tried.slice(3)).toEqual(['1']);
  time = 25 * 60 * 60 * 1000;
  await startNewest(paths, two, attempt, options);
  expect(tried.slice(4)).toEqual(['2', '1']);
});

test('keeps one image: the newest that got ready', async () => {
  const { attempt } = starter([]);
  await startNewest(paths, image('1'), attempt);
  const two = image('2');
  expect(await startNewest(paths, two, attempt)).toEqual({
    result: '2',
    image: expect.objectContaining({ name: two }),
  });
  const [kept = '', ...more] = readdirSync(paths.images);
  expect(more).toEqual([]);
  // not a second copy on the disk
  expect(statSync(join(paths.images, kept, 'root')).ino).toBe(statSync(join(two, 'root')).ino);
});

test('runs the last good one in place of one that is damaged', async () => {
  const { attempt, tried } = starter([]);
  await startNewest(paths, image('1'), attempt);
  const two = image('2');
  writeFileSync(join(two, 'root'), 'ROOT of 2');
  const { result, warning } = await startNewest(paths, two, attempt);
  expect([result, tried]).toEqual(['1', ['1', '1']]);
  expect(warning).toContain('is damaged');
});

test('tells of the first failure where both fail, there is no other, or it is not the image that failed', async () => {
  const missing = new MachineError('qemu is missing', 'install it', 'process');
  await expect(startNewest(paths, image('1'), starter(['1']).attempt)).rejects.toThrow('it stopped');
  expect(existsSync(paths.images)).toBe(false);
  await startNewest(paths, join(folder, '1'), starter([]).attempt);
  const two = image('2');
  await expect(startNewest(paths, two, starter(['1', '2']).attempt)).rejects.toThrow('it stopped');
  const lacking = starter(['2'], missing);
  await expect(startNewest(paths, two, lacking.attempt)).rejects.toThrow('qemu is missing');
  expect(lacking.tried).toEqual(['2']);
  const given = starter(['2']);
  await expect(startNewest(paths, two, given.attempt, { signal: AbortSignal.abort() })).rejects.toThrow('it stopped');
  expect(given.tried).toEqual(['2']);
  // none of these counts against it
  expect(await startNewest(paths, two, starter([]).attempt)).not.toHaveProperty('warning');
});

test('an image that is gone, as when its cache was cleared while the machine slept, does not keep the last good one from running', async () => {
  const { attempt } = starter([]);
  const one = image('1');
  await startNewest(paths, one, attempt);
  rmSync(one, { recursive: true });
  const { result, warning } = await startNewest(paths, one, attempt);
  expect(result).toBe('1');
  expect(warning).toContain(`${one} has no image`);
  await expect(startNewest(machinePaths({ BERTH_MACHINE_HOME: folder }), one, attempt)).rejects.toMatchObject({
    message: `${one} has no image`,
    hint: 'build it: berth machine build',
  });
});

test.each([
  ['no JSON', () => '{', 'it is no manifest'],
  ['no parts', () => '{"version":"1"}', 'it is no manifest'],
  ['a part elsewhere', (text: string) => text.replace('"name":"root"', '"name":"../root"'), 'it is no manifest'],
  [
    'another digest',
    (text: string) => text.replace(/"[0-9a-f]{64}"/, `"${'0'.repeat(64)}"`),
    'kernel: its digest is not',
  ],
  ['another size', (text: string) => text.replace(/"size":\d+/, '"size":1'), 'bytes instead of 1'],
])('a manifest with %s starts nothing, and says what to do', async (_what, damage, why) => {
  const { attempt, tried } = starter([]);
  const one = image('1');
  const manifest = join(one, 'manifest.json');
  writeFileSync(manifest, damage(readFileSync(manifest, 'utf8')));
  await expect(startNewest(paths, one, attempt)).rejects.toMatchObject({
    message: expect.stringContaining(why),
    hint: 'build it again: berth machine build --force',
    step: 'process',
  });
  expect(tried).toEqual([]);
});
