import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { qmp } from './qmp.ts';

const folder = mkdtempSync(join(tmpdir(), 'berth-qmp-'));
const path = join(folder, 'monitor.sock');
let server: Server;
afterEach(() => {
  server.close();
  rmSync(path, { force: true });
});

/** A monitor that answers with what `serve` gives for a line; undefined: it ends in the middle of it. */
const monitor = (serve: (line: string) => string | undefined) =>
  new Promise<void>((done) => {
    server = createServer((socket: Socket) => {
      socket.on('error', () => undefined);
      socket.write('{"QMP": {}}\n');
      socket.on('data', (data) => {
        const answer = serve(data.toString());
        if (answer === undefined) socket.destroy();
        else socket.write(answer);
      });
    }).listen(path, done);
  });

it('gives the results in turn, and passes over events', async () => {
  await monitor((line) => {
    const { execute, id } = JSON.parse(line) as { execute: string; id: number };
    return `{"event": "STOP"}\n${JSON.stringify({ return: execute.length, id })}\n`;
  });
  expect(await qmp(path, { execute: 'a' }, { execute: 'bcd' })).toEqual([1, 3]);
});

it('ends when the machine ends in the middle of an answer', async () => {
  await monitor((line) => (line.includes('qmp_capabilities') ? '{"return": {}}\n' : undefined));
  await expect(qmp(path, { execute: 'query-status' })).rejects.toThrow('the machine has ended');
  expect(await qmp(path, { execute: 'quit' })).toEqual([undefined]);
});

it('ends when the machine ends with a command unread, which resets the connection', async () => {
  await new Promise<void>((done) => {
    server = createServer({ pauseOnConnect: true }, (socket) => {
      socket.write('{"QMP": {}}\n');
      setTimeout(() => socket.destroy(), 30);
    }).listen(path, done);
  });
  await expect(qmp(path, { execute: 'query-status' })).rejects.toThrow('the machine has ended');
});

it('tells what the machine refuses', async () => {
  await monitor((line) => (line.includes('qmp_capabilities') ? '{"return": {}}\n' : '{"error": {"desc": "no"}}\n'));
  await expect(qmp(path, { execute: 'cont' })).rejects.toThrow('cont: no');
});
