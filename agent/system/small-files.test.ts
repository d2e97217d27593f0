import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mkdir, readFile, rename, rm, stat, writeFile } from './small-files.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'berth-small-'));
});
afterEach(() => rmSync(base, { recursive: true }));

test('all is done when a call returns, before anybody waits for it', async () => {
  const done = [mkdir(join(base, 'a/b'), { recursive: true, mode: 0o700 })];
  done.push(writeFile(join(base, 'a/b/file'), 'text', { mode: 0o600 }));
  done.push(rename(join(base, 'a/b/file'), join(base, 'a/moved')));
  done.push(rm(join(base, 'a/b'), { recursive: true }));
  expect(readFileSync(join(base, 'a/moved'), 'utf8')).toBe('text');
  expect(existsSync(join(base, 'a/b'))).toBe(false);
  await Promise.all(done);
  expect((await stat(join(base, 'a/moved'))).mode & 0o777).toBe(0o600);
});

test('what fails is told by the promise', async () => {
  const asked = readFile(join(base, 'none'), 'utf8');
  await expect(asked).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await readFile(join(base, 'none'), 'utf8').catch(() => 'nothing')).toBe('nothing');
});
