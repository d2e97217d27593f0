import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { killOrphan } from './orphan.ts';

const folder = mkdtempSync(join(tmpdir(), 'berth-orphan-'));
const file = join(folder, 'machine.pid');
afterAll(() => rmSync(folder, { recursive: true }));

/** Windows' programs, with one process that has the pid 7. */
const windows = (image: string, ran: string[]) =>
  ((program: string, args: string[]) => {
    ran.push(`${program} ${args.join(' ')}`);
    return Promise.resolve({ stdout: `"${image}","7","Console","1","900,000 K"\r\n`, stderr: '' });
  }) as never;

it.each([
  ['qemu-system-x86_64.exe', true],
  ['notepad.exe', false],
])('on Windows, of the machine whose holder was killed the pid is ended: %s %s', async (image, killed) => {
  writeFileSync(file, '7\n');
  const ran: string[] = [];
  await killOrphan(file, windows(image, ran));
  expect(ran[0]).toContain('tasklist /fi pid eq 7');
  expect(ran.includes('taskkill /f /pid 7')).toBe(killed);
  expect(existsSync(file)).toBe(false);
});

it('is fine where there is none', async () => {
  const ran: string[] = [];
  await killOrphan(file, windows('', ran));
  expect(ran).toEqual([]);
});
