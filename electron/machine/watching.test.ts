import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EngineClient } from '../engine/client.ts';
import { unixTransport } from '../engine/transport.ts';
import { FakeEngine } from '../testing/fake-engine.ts';
import { EngineSocket } from './engine-socket.ts';

// The window's own client against the socket that counts what is use: a window that is only open lets a machine sleep.
const directory = mkdtempSync(join(tmpdir(), 'berth-watch-'));
let engine: FakeEngine;
let socket: EngineSocket;
let client: EngineClient;
beforeEach(async () => {
  engine = new FakeEngine();
  await engine.start();
  socket = new EngineSocket(() => Promise.resolve(createConnection({ path: engine.socket, allowHalfOpen: true })));
  await socket.listen(join(directory, 's'));
  client = new EngineClient(unixTransport(join(directory, 's')));
});
afterEach(async () => {
  client.close();
  socket.close();
  await engine.remove();
  rmSync(join(directory, 's'), { force: true });
});

it('what the window reads by itself is no use of the machine', async () => {
  const before = socket.last();
  const events = await client.events(new AbortController().signal);
  await Promise.all([client.ping(), client.version(), client.info(), client.berthSystem()]);
  await Promise.all([client.listContainers(), client.listImages()]);
  await client.listContainers(Array.from({ length: 40 }, (_, at) => String(at).padStart(64, 'a')));
  await Promise.allSettled([client.listNetworks(), client.listVolumes()]);
  expect(engine.seen).toContain('GET /containers/json');
  expect(socket.busy()).toBe(0);
  expect(socket.last()).toBe(before);
  await events.return(undefined);
});

it('what a user asks for is', async () => {
  engine.answers.set('POST /containers/a/start', (_req, res) => res.writeHead(204).end());
  const before = socket.last();
  await client.containerVerb('a', 'start');
  expect(socket.last()).toBeGreaterThan(before);
  const then = socket.last();
  await client.inspectContainer('a').catch(() => undefined);
  expect(socket.last()).toBeGreaterThan(then);
});
