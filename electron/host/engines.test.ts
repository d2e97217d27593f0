import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ContainerChange } from '../contract/model.ts';
import { unixTransport } from '../engine/transport.ts';
import { connectBySocket, type TestConnection, until } from '../testing/connect.ts';
import { FakeEngine } from '../testing/fake-engine.ts';
import { FakeMachine } from '../testing/fake-machine.ts';
import { MachineError } from '../machine/types.ts';
import { createHost, type Host } from './host.ts';

describe('the choice of the engine', () => {
  let first: FakeEngine;
  let second: FakeEngine;
  let machine: FakeMachine;
  let host: Host | undefined;
  let connection: TestConnection | undefined;
  let settingsFile: string;
  beforeEach(async () => {
    [first, second] = [new FakeEngine(), new FakeEngine()];
    await Promise.all([first.start(), second.start()]);
    machine = new FakeMachine(second.socket);
    settingsFile = join(first.directory, 'settings.json');
    vi.stubEnv('DOCKER_CONFIG', join(first.directory, 'docker'));
    first.put('in-first');
    second.put('in-second');
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await connection?.close();
    host?.close();
    machine.remove();
    await Promise.all([first.remove(), second.remove()]);
  });

  const settings = () => JSON.parse(readFileSync(settingsFile, 'utf8')) as Record<string, unknown>;
  /** uses the first engine, which was added by the user before */
  async function begin(options: { pinned?: boolean; engine?: string } = {}) {
    const added = { name: 'one', endpoint: `unix://${first.socket}` };
    writeFileSync(settingsFile, JSON.stringify({ version: 1, engine: options.engine ?? 'own:one', engines: [added] }));
    host = await createHost({
      ...(options.pinned ? { transport: unixTransport(first.socket) } : {}),
      machine,
      settingsFile,
      openExternal: async () => undefined,
    });
    connection = await connectBySocket(host.router);
    return connection.client;
  }
  const names = (change: ContainerChange) => (change.kind === 'snapshot' ? change.rows.map(({ name }) => name) : []);

  it('changes from one to another while the window watches; nothing of the first stays, and the next start uses it', async () => {
    const client = await begin();
    await until(await client.engine.watch(), ({ state }) => state === 'ready');
    const stop = new AbortController();
    const seen: string[][] = [];
    const stream = await client.containers.watch(undefined, { signal: stop.signal });
    const reading = (async () => {
      for await (const change of stream) if (change.kind === 'snapshot') seen.push(names(change));
    })().catch(() => undefined);
    await expect.poll(() => seen.at(-1)).toEqual(['in-first']);

    const { id } = await client.engines.add({ name: ' two ', endpoint: second.socket });
    expect(id).toBe('own:two');
    const states: string[] = [];
    const watching = await client.engine.watch(undefined, { signal: stop.signal });
    const states$ = (async () => {
      for await (const status of watching) states.push(`${status.state} ${status.endpoint}`);
    })().catch(() => undefined);
    await client.engines.select({ id });
    await expect.poll(() => seen.at(-1)).toEqual(['in-second']);
    // never a word of the first engine after the choice, and no failure between
    expect(states.slice(1)).toEqual([`starting unix://${second.socket}`, `ready unix://${second.socket}`]);
    expect(settings()).toMatchObject({ engine: 'own:two' });
    expect(names(await until(await client.containers.watch(), () => true))).toEqual(['in-second']);

    first.put('late-in-first');
    second.put('late-in-second');
    await until(await client.containers.watch(), (change) => change.kind === 'upsert' || names(change).length === 2);
    expect([...(host as Host).containers.rows.keys()]).toEqual(['in-second', 'late-in-second']);
    stop.abort();
    await Promise.all([reading, states$]);
  });

  it('Berth’s own engine is used where nothing was chosen, and is started with the window and on the way back to it', async () => {
    const started: string[] = [];
    const start = async () => {
      started.push('own');
      await first.start();
    };
    await first.stop();
    host = await createHost({
      machine,
      own: { endpoint: { kind: 'unix', path: first.socket }, start },
      settingsFile,
      openExternal: async () => undefined,
    });
    connection = await connectBySocket(host.router);
    const { client } = connection;
    await until(await client.engine.watch(), ({ state }) => state === 'ready');
    expect(started).toEqual(['own']);
    await client.engines.select({ id: 'machine' });
    await until(await client.engine.watch(), ({ state }) => state === 'stopped');
    await first.stop();
    await client.engines.select({ id: 'local' });
    await until(await client.engine.watch(), ({ state }) => state === 'ready');
    expect(started).toEqual(['own', 'own']);
    expect(machine.asked).toEqual([]);
  });

  it('a call that goes on with the engine before ends', async () => {
    const client = await begin();
    await until(await client.engine.watch(), ({ state }) => state === 'ready');
    first.answers.set('POST /images/create', (_req, res) => res.flushHeaders());
    const pull = await client.images.pull({ reference: 'a:1', platform: '' });
    const ended = (async () => {
      for await (const _ of pull);
    })().catch(({ data }) => data);
    await expect.poll(() => first.seen).toContain('POST /images/create');
    const { id } = await client.engines.add({ name: 'two', endpoint: `unix://${second.socket}` });
    await client.engines.select({ id });
    expect(await ended).toMatchObject({ code: 'unreachable' });
  });

  it('one that was named at the start cannot be changed, and is shown', async () => {
    const client = await begin({ pinned: true, engine: 'machine' });
    const choices = await until(await client.engines.watch(), () => true);
    expect(choices).toMatchObject({ current: 'own:one', pinned: true });
    await expect(client.engines.select({ id: 'machine' })).rejects.toMatchObject({ data: { code: 'pinned' } });
    expect(machine.asked).toEqual([]);
  });

  it('lists the contexts of the docker command; those that cannot be used say why', async () => {
    for (const [folder, meta] of [
      ['a', { Name: 'lab', Endpoints: { docker: { Host: 'ssh://me@lab' } } }],
      ['b', { Name: 'cloud', Endpoints: { docker: { Host: 'tcp://1.2.3.4:2376' } } }],
      ['c', { Name: 7 }],
    ] as const) {
      const at = join(first.directory, 'docker/contexts/meta', folder);
      mkdirSync(at, { recursive: true });
      writeFileSync(join(at, 'meta.json'), JSON.stringify(meta));
    }
    const client = await begin();
    const { options } = await until(await client.engines.watch(), () => true);
    expect(options.filter(({ id }) => /^docker:./.test(id))).toEqual([
      expect.objectContaining({ id: 'docker:cloud', unusable: expect.stringContaining('unix sockets and ssh') }),
      { id: 'docker:lab', name: 'lab', endpoint: 'ssh://me@lab', source: 'docker', kind: 'ssh' },
    ]);
    await expect(client.engines.select({ id: 'docker:cloud' })).rejects.toMatchObject({
      data: { code: 'invalid-input' },
    });
    await expect(client.engines.select({ id: 'docker:gone' })).rejects.toMatchObject({ data: { code: 'not-found' } });
  });

  it('tries an address; what is wrong is said beside its field', async () => {
    const client = await begin();
    expect(await client.engines.check({ endpoint: second.socket })).toMatchObject({ version: '1', berth: false });
    const none = client.engines.check({ endpoint: `unix://${second.directory}/none` });
    await expect(none).rejects.toMatchObject({ data: { field: 'endpoint', code: 'unreachable' } });
    const tcp = client.engines.check({ endpoint: 'tcp://x' });
    await expect(tcp).rejects.toMatchObject({ data: { field: 'endpoint', code: 'invalid-input' } });
    const add = (name: string, endpoint: string) => client.engines.add({ name, endpoint });
    await expect(add('', second.socket)).rejects.toMatchObject({ data: { field: 'name' } });
    await expect(add('one', second.socket)).rejects.toMatchObject({ data: { field: 'name' } });
    await expect(add('new', '')).rejects.toMatchObject({ data: { field: 'endpoint' } });
    await expect(client.engines.remove({ id: 'own:one' })).rejects.toMatchObject({ data: { code: 'conflict' } });
    const { id } = await add('new', second.socket);
    await client.engines.remove({ id });
    expect(settings()['engines']).toHaveLength(1);
  });

  it('the machine’s engine is away until somebody starts it; looking at it starts nothing', async () => {
    const client = await begin({ engine: 'machine' });
    const away = await until(await client.engine.watch(), ({ problem }) => problem !== undefined);
    expect(away).toMatchObject({ state: 'stopped', problem: { title: 'The machine is stopped.' } });
    expect(machine.asked).toEqual([]);
    await client.engine.start();
    expect(machine.asked).toEqual(['start']);
    await until(await client.engine.watch(), ({ state }) => state === 'ready');
    machine.change({ state: 'waiting' });
    await second.stop();
    const asleep = await until(await client.engine.watch(), ({ state }) => state === 'stopped');
    expect(asleep.problem?.title).toBe('The machine sleeps.');
    await second.start();
    await client.machine.start();
    await until(await client.engine.watch(), ({ state }) => state === 'ready', 3_000);
  });

  it('a machine that fails says so as its engine’s state, with what to do', async () => {
    machine.failure = new MachineError('qemu is missing', 'install it', 'process');
    const client = await begin({ engine: 'machine' });
    await until(await client.engine.watch(), ({ state }) => state === 'stopped');
    const failed = client.machine.start();
    await expect(failed).rejects.toMatchObject({
      data: { code: 'machine-step', message: 'Qemu is missing', action: 'Install it' },
    });
    const status = await until(await client.engine.watch(), ({ problem }) => problem?.title === 'The machine failed.');
    expect(status.problem?.detail).toBe('qemu is missing');
  });

  it('a machine that is started on demand waits for its first request from the choice on, and at each start', async () => {
    const client = await begin();
    await client.machine.setSettings({ start: 'demand' });
    expect(machine.asked).toEqual(['wait']);
    await connection?.close();
    host?.close();
    await begin();
    await expect.poll(() => machine.asked).toEqual(['wait', 'wait']);
  });

  it('starts a machine with the application where that was chosen, and not when the engine was named', async () => {
    machine.chosen.start = 'application';
    await begin({ pinned: true });
    expect(machine.asked).toEqual([]);
    await connection?.close();
    host?.close();
    await begin();
    await expect.poll(() => machine.asked).toEqual(['start']);
  });

  it('settings of the machine are changed one by one, and a refusal names its own', async () => {
    const client = await begin();
    expect(await client.machine.setSettings({ disk: 65, cpus: 3 })).toMatchObject({
      settings: { disk: 65, cpus: 3 },
      applied: ['disk'],
      needsRestart: ['cpus'],
    });
    const refused = client.machine.setSettings({ memory: 512, cpus: 65 });
    await expect(refused).rejects.toMatchObject({ data: { field: 'cpus', action: 'Choose fewer' } });
  });
});
