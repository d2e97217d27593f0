import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fs from 'node:fs/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { REOPEN_LOGS, writeFifo } from './control-fifo.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-fifo-'));
  execFileSync('mkfifo', [join(directory, 'ctl')]);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true });
});

it('throws ENXIO where nobody reads', async () => {
  await expect(writeFifo(directory, 'ctl', REOPEN_LOGS)).rejects.toMatchObject({ code: 'ENXIO' });
});

it('throws ENXIO where the reader goes before the line is written', async () => {
  const reader = spawn('sh', ['-c', `exec 3<>${join(directory, 'ctl')}; echo; exec sleep 60`]);
  await new Promise((done) => reader.stdout.once('data', done));
  const open = fs.open;
  vi.spyOn(fs, 'open').mockImplementation(async (...args: Parameters<typeof fs.open>) => {
    const handle = await open(...args);
    const gone = new Promise((done) => reader.once('exit', done));
    reader.kill('SIGKILL');
    await gone;
    return handle;
  });
  await expect(writeFifo(directory, 'ctl', REOPEN_LOGS)).rejects.toMatchObject({ code: 'ENXIO' });
});
