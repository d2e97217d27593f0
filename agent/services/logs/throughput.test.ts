import { closeSync, openSync, writeSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { createLogs } from './create.ts';
import { LogFixture } from './testing.ts';

const LINES = 1_000_000;
const fixture = new LogFixture();
afterAll(() => fixture.remove());

function writeBigLog(path: string): void {
  const fd = openSync(path, 'w');
  let text = '';
  for (let line = 0; line < LINES; line++) {
    text += `2020-11-23T20:11:12.${String(line).padStart(9, '0')}+00:00 ${line % 10 === 0 ? 'stderr' : 'stdout'} F ${String(line).padEnd(99, 'x')}\n`;
    if (text.length > 4_000_000 || line === LINES - 1) {
      writeSync(fd, text);
      text = '';
    }
  }
  closeSync(fd);
}

const query = {
  stdout: true,
  stderr: true,
  follow: false,
  timestamps: false,
  details: false,
  since: undefined,
  until: undefined,
  tail: undefined,
};

test('a million lines of 100 bytes are read in seconds, exactly', async () => {
  fixture.containers.add('big', { state: { Running: false, Status: 'exited' } });
  writeBigLog(fixture.path('big'));
  const logs = createLogs({ containers: fixture.containers, layout: fixture.layout });
  let bytes = 0;
  let last = Buffer.alloc(0);
  const count = (chunk: Uint8Array) => {
    bytes += chunk.length;
    last = Buffer.from(chunk.subarray(-108));
    return Promise.resolve();
  };
  const run = async (change: Partial<typeof query>) => {
    bytes = 0;
    const begin = performance.now();
    await logs.open('big', { ...query, ...change }).run(count, new AbortController().signal);
    return performance.now() - begin;
  };
  const plain = await run({});
  expect(bytes).toBe(LINES * 108);
  expect(last.toString('latin1')).toBe(`\x01\0\0\0\0\0\0\x64${String(LINES - 1).padEnd(99, 'x')}\n`);
  const stamped = await run({ timestamps: true });
  expect(bytes).toBe(LINES * (108 + 31));
  const tail = await run({ tail: 10 as unknown as undefined });
  expect(bytes).toBe(10 * 108);
  process.stderr.write(
    `1,000,000 log lines: ${plain.toFixed(0)} ms; with timestamps ${stamped.toFixed(0)} ms; last 10 ${tail.toFixed(1)} ms\n`,
  );
  expect(plain).toBeLessThan(6_000);
  expect(tail).toBeLessThan(500);
});
