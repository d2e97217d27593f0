import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EngineClient } from '../engine/client.ts';
import { unixTransport } from '../engine/transport.ts';
import { readLogs } from './logs.ts';

// A log on disk, served as the engine does; the connection breaks wherever the test wants.
const SECOND = '2026-03-01T10:00:00';
const lines = Array.from({ length: 40 }, (_, index) => ({
  // four lines to a stamp
  stamp: `${SECOND}.${String(100 + Math.floor(index / 4)).padStart(3, '0')}000000Z`,
  text: `line ${index}`,
}));
const directory = mkdtempSync(join(tmpdir(), 'berth-logs-'));
const socket = join(directory, 'engine.sock');
let asked: URLSearchParams[];
/** bytes after which the first answers break; then one is whole */
let breaks: number[];
const server = createServer((request, response) => {
  const url = new URL(request.url ?? '', 'http://engine');
  if (!url.pathname.endsWith('/logs')) return void response.end(JSON.stringify({ Config: { Tty: true } }));
  asked.push(url.searchParams);
  answer(response, Number(url.searchParams.get('since') ?? 0));
});

function answer(response: ServerResponse, since: number): void {
  const text = lines
    .filter(({ stamp }) => Date.parse(stamp) / 1000 >= since)
    .map(({ stamp, text }) => `${stamp} ${text}\n`)
    .join('');
  const end = breaks.shift();
  if (end === undefined) return void response.end(text);
  response.write(text.slice(0, end), () => response.destroy());
}

beforeEach(async () => {
  asked = [];
  await new Promise<void>((done) => server.listen(socket, done));
});
afterEach(async () => {
  await new Promise((done) => server.close(done));
  rmSync(socket, { force: true });
});

async function read(follow: boolean): Promise<string[]> {
  const client = new EngineClient(unixTransport(socket));
  const got: string[] = [];
  try {
    for await (const batch of readLogs(client, { id: 'one', follow, tail: 0, since: 0 }, new AbortController().signal))
      if (batch.kind === 'lines') got.push(...batch.lines.map(({ text }) => text));
    return got;
  } finally {
    client.close();
  }
}

test.each([
  ['in the middle of a line', [1_000]],
  ['twice, the second time before anything new', [1_000, 3]],
  ['between lines of one stamp', [38 * 6]],
  ['at once', [0]],
])('a log that is followed goes on after a break %s, each line once', async (_where, at) => {
  breaks = [...at];
  expect(await read(true)).toEqual(lines.map(({ text }) => text));
  expect(asked.length).toBe(at.length + 1);
});

test('a log that is not followed says that it broke', async () => {
  breaks = [500];
  await expect(read(false)).rejects.toThrow();
});
