import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseEnvironment, untilBegun } from './begin.ts';
import { DEFAULT_CONFIG } from './services/config.ts';

test('what the environment is given is read as a shell reads it', () => {
  const text = "HTTP_PROXY='http://me:p'\\''w@proxy:3128'\nNO_PROXY='a,.b'\nEMPTY=''\nnot a line\n";
  expect(parseEnvironment(text)).toEqual({ HTTP_PROXY: "http://me:p'w@proxy:3128", NO_PROXY: 'a,.b', EMPTY: '' });
});

test('an engine tells that it is loaded, and begins no sooner than it may, with what it is given', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-begin-'));
  try {
    execFileSync('mkfifo', [join(directory, 'loaded'), join(directory, 'begin.engine')]);
    let begun = false;
    const begins = untilBegun(directory, DEFAULT_CONFIG).then(() => (begun = true));
    const loaded = spawn('cat', [join(directory, 'loaded')]);
    const told = await new Promise<string>((done) =>
      loaded.stdout.once('data', (chunk: Buffer) => done(String(chunk))),
    );
    expect(told).toBe('loaded\n');
    expect(begun).toBe(false);
    await writeFile(join(directory, 'begin.engine'), "BERTH_BEGIN_TEST='given'\n");
    await begins;
    expect(process.env['BERTH_BEGIN_TEST']).toBe('given');
  } finally {
    delete process.env['BERTH_BEGIN_TEST'];
    rmSync(directory, { recursive: true, force: true });
  }
});
