import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { emptyTrash, removedAll, removeLarge, throwAway } from './remove-later.ts';

let base: string;
const errors: unknown[] = [];
const failed = (error: unknown) => void errors.push(error);
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'berth-later-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
  expect(errors.splice(0)).toEqual([]);
});

function tree(name: string): string {
  const path = join(base, name);
  mkdirSync(join(path, 'deep', 'er'), { recursive: true });
  writeFileSync(join(path, 'deep', 'file'), 'x');
  return path;
}

test('what is thrown away is gone at once, and its files soon; the same name can be used again meanwhile', async () => {
  const trash = join(base, 'trash');
  throwAway(tree('a'), trash, failed);
  expect(existsSync(join(base, 'a'))).toBe(false);
  throwAway(tree('a'), trash, failed);
  const kept = tree('a');
  throwAway(join(base, 'none'), trash, failed);
  await removedAll();
  expect(readdirSync(trash)).toEqual([]);
  expect(existsSync(join(kept, 'deep', 'file'))).toBe(true);
});

test('the trash of an engine that was killed is emptied', async () => {
  emptyTrash(join(base, 'trash'), failed);
  tree('trash/x');
  tree('trash/y');
  emptyTrash(join(base, 'trash'), failed);
  await removedAll();
  expect(readdirSync(join(base, 'trash'))).toEqual([]);
});

test('much is waited for, little is not', async () => {
  const little = tree('little');
  await removeLarge(little, failed);
  const many = tree('many');
  for (let file = 0; file < 200; file++) writeFileSync(join(many, 'deep', `${file}`), '');
  await removeLarge(many, failed);
  expect(existsSync(many)).toBe(false);
  const long = tree('long');
  truncateSync(join(long, 'deep', 'file'), 8 << 20);
  await removeLarge(long, failed);
  expect(existsSync(long)).toBe(false);
  await removedAll();
  expect(existsSync(little)).toBe(false);
});
