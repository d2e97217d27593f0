import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { machineKey } from './ssh.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'berth-key-'))));
afterEach(() => rmSync(folder, { recursive: true }));

it('a key that was made badly is made again, and the good one is kept for this user alone', () => {
  const path = join(folder, 'key');
  const good = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).private;
  const made = [good.replace(/\n[A-Za-z0-9+/]{8}/, '\nAAAAAAAA'), good];
  const first = machineKey(path, () => made.shift() as string);
  expect(first.privateKey).toBe(good);
  expect(machineKey(path)).toEqual(first);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
