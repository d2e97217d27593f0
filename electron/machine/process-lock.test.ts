import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { lock, tryLock } from './process-lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'berth-lock-'));
const path = join(folder, 'lock');
afterAll(() => rmSync(folder, { recursive: true }));

const MODULE = fileURLToPath(new URL('process-lock.ts', import.meta.url));

/** Another process that takes the lock and keeps it, though nothing there refers to it any more and its memory is collected. */
async function holder(): Promise<ChildProcess> {
  const code = `import(${JSON.stringify(MODULE)}).then(({ tryLock }) => { console.log(tryLock(${JSON.stringify(path)}) ? 'has it' : 'has not'); setInterval(gc, 50); });`;
  const child = spawn(process.execPath, ['--expose-gc', '-e', code], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  expect(String(said).trim()).toBe('has it');
  return child;
}

it('one process has it; it is free again when that was killed, and who waits gets it', async () => {
  const other = await holder();
  expect(tryLock(path)).toBeUndefined();
  await new Promise((done) => setTimeout(done, 300));
  expect(tryLock(path)).toBeUndefined();
  let told = 0;
  const waiting = lock(path, () => told++);
  await new Promise((done) => setTimeout(done, 700));
  other.kill('SIGKILL');
  const mine = await waiting;
  expect(told).toBe(1);
  expect(tryLock(path)).toBeUndefined();
  mine.release();
  const again = tryLock(path);
  expect(again).toBeDefined();
  again?.release();
});

it('what cannot be locked at all is an error, and not somebody else’s', () => {
  expect(() => tryLock(join(folder, 'no-such-folder', 'lock'))).toThrow(/unable to open/);
});
