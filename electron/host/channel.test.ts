import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ContainerChange } from '../contract/model.ts';
import { unixTransport } from '../engine/transport.ts';
import { connectByPort, connectBySocket, type TestConnection, until } from '../testing/connect.ts';
import { FakeEngine } from '../testing/fake-engine.ts';
import { createHost, type Host } from './host.ts';

// What a window may rely on, whichever way it is connected.
describe.each([
  ['MessagePort', connectByPort],
  ['WebSocket', connectBySocket],
])('the contract over a %s', (_name, connect) => {
  let engine: FakeEngine;
  let host: Host;
  let connection: TestConnection;
  beforeEach(async () => {
    engine = new FakeEngine();
    await engine.start();
    host = await createHost({
      transport: unixTransport(engine.socket),
      settingsFile: join(engine.directory, 'settings.json'),
      openExternal: async () => undefined,
    });
    connection = await connect(host.router);
    await until(await connection.client.engine.watch(), ({ state }) => state === 'ready');
  });
  afterEach(async () => {
    await connection.close();
    host.close();
    await engine.remove();
  });

  it('calls, and typed failures', async () => {
    await expect(connection.client.containers.inspect({ id: 'x' })).rejects.toMatchObject({
      defined: true,
      code: 'FAILED',
      data: { code: 'not-found', message: 'page not found' },
    });
  });

  it('refuses what the contract does not allow, and names the field', async () => {
    const wrong = { id: '', follow: true, tail: -1 };
    await expect(connection.client.containers.logs(wrong)).rejects.toMatchObject({
      data: { code: 'invalid-input', field: 'id' },
    });
    await expect(connection.client.system.openExternal({ url: 'javascript:alert(1)' })).rejects.toMatchObject({
      data: { field: 'url' },
    });
    await expect(connection.client.system.openExternal({ url: 'file:///etc/passwd' })).rejects.toMatchObject({
      data: { field: 'url' },
    });
  });

  it('a failure in the middle of a stream is typed, too', async () => {
    engine.answers.set('POST /images/create', (_req, res) => {
      res.write('{"status":"Pulling from a","id":"1"}\n');
      res.end('{"errorDetail":{"message":"manifest unknown"},"error":"manifest unknown"}\n');
    });
    const pull = await connection.client.images.pull({ reference: 'a:1', platform: '' });
    const reading = (async () => {
      for await (const _ of pull);
    })();
    await expect(reading).rejects.toMatchObject({
      defined: true,
      data: { code: 'not-found', message: 'manifest unknown', field: 'image' },
    });
  });

  it('a stream that is no longer read ends what it stands for', async () => {
    let open = 0;
    engine.answers.set('POST /images/create', (_req, res) => {
      open++;
      res.on('close', () => open--);
      res.write('{"status":"Pulling fs layer","id":"1"}\n');
    });
    const pull = await connection.client.images.pull({ reference: 'a:1', platform: '' });
    expect((await pull.next()).value).toMatchObject({ kind: 'progress', layers: [{ id: '1', phase: 'waiting' }] });
    expect(open).toBe(1);
    await pull.return?.(undefined);
    await expect.poll(() => open).toBe(0);
  });

  it('a window that goes away ends its streams', async () => {
    let open = 0;
    engine.answers.set('POST /images/create', (_req, res) => {
      open++;
      res.on('close', () => open--);
      res.write('{"status":"Pulling fs layer","id":"1"}\n');
    });
    const other = await connect(host.router);
    const pull = await other.client.images.pull({ reference: 'a:1', platform: '' });
    await pull.next();
    const ended = pull.next().then(
      () => 'ended',
      () => 'failed',
    );
    await other.close();
    await expect.poll(() => open).toBe(0);
    await ended;
  });

  it('many streams at once, each in order', async () => {
    const watches = await Promise.all(Array.from({ length: 20 }, () => connection.client.containers.watch()));
    const seen = watches.map(async (watch) => {
      const states = new Map<string, string>();
      const changes: ContainerChange[] = [];
      for await (const change of watch) {
        changes.push(change);
        if (change.kind === 'upsert') states.set(change.row.id, change.row.state);
        if (states.get('c29') === 'exited') break;
      }
      return changes[0]?.kind;
    });
    await expect.poll(() => host.containers.rows.size).toBe(0);
    for (let at = 0; at < 30; at++) engine.put(`c${at}`);
    await expect.poll(() => host.containers.rows.size).toBe(30);
    for (let at = 0; at < 30; at++) engine.put(`c${at}`, { State: 'exited' }, 'die');
    expect(new Set(await Promise.all(seen))).toEqual(new Set(['snapshot']));
  });

  it('settings reach every window, and stay', async () => {
    const other = await connect(host.router);
    const watch = await other.client.settings.watch();
    expect((await watch.next()).value).toEqual({ theme: 'system' });
    await connection.client.settings.set({ theme: 'dark' });
    expect((await watch.next()).value).toEqual({ theme: 'dark' });
    await watch.return?.(undefined);
    await other.close();
  });
});

describe('the list of containers', () => {
  let engine: FakeEngine;
  let host: Host;
  const stop = new AbortController();
  beforeEach(async () => {
    engine = new FakeEngine();
    engine.put('a');
    engine.put('b');
    await engine.start();
    host = await createHost({
      transport: unixTransport(engine.socket),
      settingsFile: join(engine.directory, 's.json'),
      openExternal: async () => undefined,
    });
    await expect.poll(() => host.containers.rows.size).toBe(2);
  });
  afterEach(async () => {
    stop.abort();
    host.close();
    await engine.remove();
  });

  it('asks for what changed, once for many changes, and not for what shows nothing', async () => {
    engine.seen.length = 0;
    for (let at = 0; at < 10; at++) engine.put('a', { Status: `Up ${at}` }, 'update');
    engine.emit('exec_start: sh', 'b');
    engine.emit('top', 'b');
    await expect.poll(() => host.containers.rows.get('a')?.status).toBe('Up 9');
    expect(engine.seen.filter((path) => path === 'GET /containers/json').length).toBeLessThanOrEqual(2);
  });

  it('is right again after the engine was away', async () => {
    await engine.stop();
    await expect.poll(() => host.link.status.value.state).toBe('unreachable');
    await expect.poll(() => host.link.status.value.problem?.action).toContain('not running');
    engine.containers.delete('a');
    engine.put('c');
    await engine.start();
    await expect.poll(() => [...host.containers.rows.keys()], { timeout: 10_000 }).toEqual(['b', 'c']);
  });

  it('tells of a container that ended by itself, not of one that was stopped', async () => {
    const died: string[] = [];
    host.containers.died.listen(({ row, exitCode }) => died.push(`${row.name} ${exitCode}`));
    engine.emit('die', 'a', { exitCode: '3' });
    engine.emit('kill', 'b');
    engine.emit('die', 'b', { exitCode: '137' });
    engine.put('end');
    await expect.poll(() => host.containers.rows.has('end')).toBe(true);
    expect(died).toEqual(['a 3']);
  });
});
