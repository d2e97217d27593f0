import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture();
});
afterAll(() => fixture?.close());

const MIB = 1024 * 1024;
/** Node's heap grows a little with any work; a client that does not read would cost far more than this within a second. */
const MAX_GROWTH = 40 * MIB;

const rss = (): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${fixture.engine.pid}/status`, 'utf8'))?.[1]) * 1024;

/** Sends a request and reads nothing of the answer until asked. */
function silent(head: string): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = connect(fixture.engine.socket, () => {
      socket.pause();
      socket.write(head, () => done(socket));
    });
    socket.on('error', fail);
  });
}

const upgrade = (path: string, body = '') =>
  `POST ${path} HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

async function runYes(name: string): Promise<{ id: string; logSize: () => Promise<number> }> {
  const id = await fixture.ok('run', '-d', '--name', name, '--log-opt', 'max-size=2g', fixture.image, 'yes');
  const path = await fixture.ok('inspect', '-f', '{{.LogPath}}', id);
  return { id, logSize: async () => (await stat(path)).size };
}

/** Waits until nothing more is written, for a second. */
async function stalls(size: () => Promise<number>): Promise<number> {
  let last = -1;
  let since = Date.now();
  return eventually(
    size,
    (now) => {
      if (now !== last) since = Date.now();
      last = now;
      return Date.now() - since > 1000;
    },
    'the process is held back',
    20_000,
  );
}

describe('a client that does not read', () => {
  test('attached: holds the process back, not the engine; and loses nothing', async () => {
    const { id, logSize } = await runYes('slow');
    const before = rss();
    const socket = await silent(upgrade(`/containers/${id}/attach?stream=1&stdout=1`));
    const stalled = await stalls(logSize);
    expect(rss() - before).toBeLessThan(MAX_GROWTH);
    // and goes on when it reads
    let read = 0;
    let wrong = '';
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      read += chunk.length;
      text += chunk.toString('latin1');
      const at = text.indexOf('\r\n\r\n');
      if (at >= 0) text = text.slice(at + 4);
      for (;;) {
        if (text.length < 8) return;
        const length = Buffer.from(text.slice(4, 8), 'latin1').readUInt32BE();
        if (text.length < 8 + length) return;
        if (!/^y?\n?(y\n)*y?$/.test(text.slice(8, 8 + length))) wrong ||= text.slice(0, 80);
        text = text.slice(8 + length);
      }
    });
    socket.resume();
    await eventually(logSize, (size) => size > stalled + MIB, 'the process goes on');
    await eventually(
      () => Promise.resolve(read),
      (count) => count > 4 * MIB,
      'the client gets all',
    );
    expect(wrong).toBe('');
    socket.destroy();
    await fixture.ok('rm', '-f', id);
  });

  test('that is stuck does not keep the container from being stopped, and its exit from being told', async () => {
    const { id, logSize } = await runYes('stuck');
    const socket = await silent(upgrade(`/containers/${id}/attach?stream=1&stdout=1`));
    await stalls(logSize);
    await fixture.ok('kill', id);
    expect(await fixture.ok('wait', id)).toBe('137');
    expect(rss()).toBeLessThan(400 * MIB);
    socket.destroy();
    await fixture.ok('rm', '-f', id);
  });

  test('that goes lets the process go on', async () => {
    const { id, logSize } = await runYes('gone');
    const socket = await silent(upgrade(`/containers/${id}/attach?stream=1&stdout=1`));
    const stalled = await stalls(logSize);
    socket.destroy();
    await eventually(logSize, (size) => size > stalled + MIB, 'the process goes on');
    await fixture.ok('rm', '-f', id);
  });

  test.each([false, true])(
    'of an exec (terminal: %s): the command is held back, and ends with all it wrote',
    async (Tty) => {
      const { engine } = fixture;
      const id = await fixture.ok('run', '-d', fixture.image, 'sleep', '1000');
      // 30 MB that end by themselves
      const Cmd = ['sh', '-c', 'head -c 30000000 /dev/zero; echo; echo the end'];
      const made = await engine.request('POST', `/containers/${id}/exec`, { Cmd, AttachStdout: true, Tty });
      const exec = (made.body as { Id: string }).Id;
      const before = rss();
      const socket = await silent(upgrade(`/exec/${exec}/start`, JSON.stringify({ Tty })));
      await new Promise((done) => setTimeout(done, 1500));
      expect(rss() - before).toBeLessThan(MAX_GROWTH);
      expect((await engine.request('GET', `/exec/${exec}/json`)).body).toMatchObject({ Running: true });
      let read = 0;
      let tail = '';
      const ended = new Promise((done) => socket.on('close', done));
      socket.on('data', (chunk: Buffer) => {
        read += chunk.length;
        tail = (tail + chunk.toString('latin1')).slice(-200);
      });
      socket.resume();
      await ended;
      expect(read).toBeGreaterThan(30_000_000);
      expect(tail).toContain('the end');
      await fixture.ok('rm', '-f', id);
    },
  );

  test('of the log: the engine stays small', async () => {
    const { id, logSize } = await runYes('logs');
    await eventually(logSize, (size) => size > 60 * MIB, 'a log to read', 30_000);
    await fixture.ok('pause', id);
    const before = rss();
    const sockets = await Promise.all(
      [0, 1].map(() => silent(`GET /containers/${id}/logs?follow=1&stdout=1 HTTP/1.1\r\nHost: d\r\n\r\n`)),
    );
    await new Promise((done) => setTimeout(done, 1500));
    expect(rss() - before).toBeLessThan(MAX_GROWTH);
    for (const socket of sockets) socket.destroy();
    await fixture.ok('rm', '-f', id);
  });
});
