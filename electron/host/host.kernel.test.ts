import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestEngine, type TestEngine } from '../../agent/testing/engine.ts';
import { busyboxImage } from '../../agent/testing/busybox-image.ts';
import { pushImage } from '../../agent/testing/push.ts';
import { freePort, startRegistry, type TestRegistry } from '../../agent/testing/registry.ts';
import { toArguments } from '../contract/command-line.ts';
import type { ContainerChange, LogLine, RunUpdate, TerminalUpdate } from '../contract/model.ts';
import { emptyRunRequest, type RunRequest } from '../contract/run-request.ts';
import { unixTransport } from '../engine/transport.ts';
import { connectBySocket, type TestConnection, until } from '../testing/connect.ts';
import { createHost, type Host } from './host.ts';

// The host, through the contract, with a real engine, registry and docker client.
let engine: TestEngine;
let registry: TestRegistry;
let host: Host;
let connection: TestConnection;
let image: string;
const directory = mkdtempSync(join(tmpdir(), 'berth-host-'));

beforeAll(async () => {
  [engine, registry] = await Promise.all([startTestEngine(), startRegistry()]);
  await pushImage(registry.host, 'busybox', '1', busyboxImage());
  image = `${registry.host}/busybox:1`;
  host = await createHost({
    transport: unixTransport(engine.socket),
    settingsFile: join(directory, 'settings.json'),
    openExternal: async () => undefined,
  });
  connection = await connectBySocket(host.router);
  await until(await connection.client.engine.watch(), (status) => status.state === 'ready');
});
afterAll(async () => {
  await connection?.close();
  host?.close();
  await engine?.stop();
  await registry?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const request = (change: Partial<RunRequest>): RunRequest => ({ ...emptyRunRequest(image), ...change });

async function run(change: Partial<RunRequest>): Promise<{ id: string; updates: RunUpdate[] }> {
  const updates: RunUpdate[] = [];
  for await (const update of await connection.client.containers.run(request(change))) updates.push(update);
  const last = updates.at(-1);
  if (last?.kind !== 'started') throw new Error(`not started: ${JSON.stringify(last)}`);
  return { id: last.id, updates };
}

/** The AppError a call fails with. */
async function failureOf(
  promise: Promise<unknown>,
): Promise<{ code: string; message: string; field?: string; action?: string }> {
  try {
    await promise;
  } catch (error) {
    const { data, defined } = error as { data: { code: string; message: string }; defined: boolean };
    expect(defined).toBe(true);
    return data;
  }
  throw new Error('did not fail');
}

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

function httpGet(url: string): Promise<string> {
  return new Promise((done, fail) => {
    get(url, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => done(text));
    }).on('error', fail);
  });
}

/** A terminal's first update names it. */
async function sessionOf(updates: AsyncIterator<TerminalUpdate, unknown>): Promise<string> {
  const first = (await updates.next()) as IteratorResult<TerminalUpdate, undefined>;
  if (first.value?.kind !== 'session') throw new Error(`no session first: ${JSON.stringify(first.value)}`);
  return first.value.session;
}

async function logLines(id: string): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const batch of await connection.client.containers.logs({ id, follow: false, tail: 0 }))
    if (batch.kind === 'lines') lines.push(...batch.lines);
  return lines;
}

describe('run', () => {
  it('pulls with progress, creates and starts what the form says', async () => {
    const port = await freePort();
    const { id, updates } = await run({
      name: 'web',
      command: `sh -c 'mkdir /w && echo "hello $WHO" > /w/index.html && exec httpd -f -p 80 -h /w'`,
      environment: [{ name: 'WHO', value: 'you there' }],
      ports: [{ hostIp: '127.0.0.1', hostPort: String(port), containerPort: '80', protocol: 'tcp' }],
      memory: '64m',
      cpus: '0.5',
    });
    const phases = updates.flatMap((update) =>
      update.kind === 'progress' ? update.layers.map((layer) => layer.phase) : [],
    );
    expect(phases.at(-1)).toBe('done');
    expect(updates.map((update) => update.kind)).toEqual(
      expect.arrayContaining(['progress', 'done', 'created', 'started']),
    );
    const inspect = await connection.client.containers.inspect({ id });
    expect(inspect.HostConfig.Memory).toBe(64 * 2 ** 20);
    expect(inspect.HostConfig.NanoCpus).toBe(5e8);
    await expect.poll(() => httpGet(`http://127.0.0.1:${port}/`).catch(() => '')).toBe('hello you there\n');
    const busy = await failureOf(
      drain(
        await connection.client.containers.run(
          request({
            command: 'sleep 60',
            ports: [{ hostIp: '127.0.0.1', hostPort: String(port), containerPort: '80', protocol: 'tcp' }],
            autoRemove: true,
          }),
        ),
      ),
    );
    expect(busy).toMatchObject({ field: 'ports.0.hostPort' });
    expect(busy.message).toMatch(/port is already allocated|address already in use/);
  });

  it('gives a container the proxies that docker’s configuration file has, as docker run does', async () => {
    writeFileSync(
      join(directory, 'config.json'),
      '{"proxies": {"default": {"httpProxy": "http://proxy:3128", "noProxy": "a"}}}',
    );
    const before = process.env['DOCKER_CONFIG'];
    process.env['DOCKER_CONFIG'] = directory;
    try {
      const { id } = await run({ command: 'true', environment: [{ name: 'NO_PROXY', value: 'mine' }] });
      const { Config } = await connection.client.containers.inspect({ id });
      const env = ['HTTP_PROXY=http://proxy:3128', 'http_proxy=http://proxy:3128', 'NO_PROXY=mine', 'no_proxy=a'];
      expect(Config.Env).toEqual(expect.arrayContaining(env));
      expect(Config.Env).not.toContain('NO_PROXY=a');
    } finally {
      if (before === undefined) delete process.env['DOCKER_CONFIG'];
      else process.env['DOCKER_CONFIG'] = before;
    }
  });

  it('makes the same container as its command line', async () => {
    const form = request({
      name: 'same',
      command: `sh -c 'sleep 600' "a b"`,
      environment: [
        { name: 'A', value: "it's" },
        { name: 'B', value: '' },
      ],
      ports: [
        { hostIp: '::1', hostPort: '', containerPort: '53', protocol: 'udp' },
        { hostIp: '', hostPort: '', containerPort: '8000-8002', protocol: 'tcp' },
      ],
      mounts: [
        { kind: 'bind', source: directory, target: '/data dir', readOnly: true },
        { kind: 'volume', source: 'vol-a', target: '/v', readOnly: false },
        { kind: 'tmpfs', source: '', target: '/t', readOnly: false },
        { kind: 'volume', source: '', target: '/anon', readOnly: false },
      ],
      user: 'nobody',
      workingDir: '/tmp',
      restart: 'on-failure',
      restartRetries: 3,
      memory: '128m',
      cpus: '1.25',
      cpuset: '0',
      pids: '50',
      hostname: 'there',
      capAdd: ['NET_ADMIN'],
      capDrop: ['CHOWN'],
      readOnly: true,
      tty: true,
      interactive: true,
      init: true,
    });
    const updates = [];
    for await (const update of await connection.client.containers.run(form)) updates.push(update);
    const byForm = await connection.client.containers.inspect({ id: 'same' });
    await engine.docker(['rm', '-f', '-v', 'same']);
    await engine.docker(['run', ...toArguments(form)]);
    const byCommand = await connection.client.containers.inspect({ id: 'same' });
    const comparable = ({ Config, HostConfig, Path, Args, Mounts }: typeof byForm) => ({
      // the command sends these lists in no certain order
      Config: { ...Config, OnBuild: null, Env: Config.Env?.toSorted() },
      HostConfig: { ...HostConfig, ConsoleSize: null, Binds: HostConfig.Binds?.toSorted() },
      Path,
      Args,
      Mounts: Mounts.map((mount) => mount.Destination).sort(),
    });
    expect(prune(comparable(byForm))).toEqual(prune(comparable(byCommand)));
    await engine.docker(['rm', '-f', '-v', 'same']);
  });

  it('says what is wrong beside the field', async () => {
    const wrong = async (change: Partial<RunRequest>) =>
      failureOf(drain(await connection.client.containers.run(request(change))));
    expect(await wrong({ image: 'Bad Name' })).toMatchObject({
      field: 'image',
      message: expect.stringContaining('invalid reference format'),
    });
    expect(await wrong({ image: `${registry.host}/nothing:1` })).toMatchObject({ field: 'image', code: 'not-found' });
    expect(await wrong({ memory: 'lots' })).toMatchObject({ field: 'memory', message: "invalid size: 'lots'" });
    expect(await wrong({ name: 'web' })).toMatchObject({
      field: 'name',
      message: expect.stringContaining('is already in use'),
    });
    expect(await wrong({ user: 'whoever', autoRemove: true })).toMatchObject({
      field: 'user',
      message: expect.stringContaining('unable to find user whoever'),
    });
    expect(await wrong({ command: '/no/such', autoRemove: true })).toMatchObject({ field: 'command' });
    expect(await wrong({ network: 'nowhere', autoRemove: true })).toMatchObject({ field: 'network' });
  });
});

/** Without what is empty: the command sends empty values where the form sends none. */
function prune(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(prune);
  if (typeof value !== 'object' || value === null)
    return value === '' || value === 0 || value === false || value === null ? undefined : value;
  const entries = Object.entries(value).flatMap(([key, part]) => {
    const kept = prune(part);
    return kept === undefined ? [] : [[key, kept]];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

describe('the list of containers', () => {
  it('follows what the docker command does, at once', async () => {
    const changes = await connection.client.containers.watch();
    const first = await changes.next();
    expect(first.value).toMatchObject({ kind: 'snapshot' });
    const seen: ContainerChange[] = [];
    const collected = (async () => {
      for await (const change of changes) {
        seen.push(change);
        if (change.kind === 'remove') break;
      }
    })();
    const id = (await engine.docker(['run', '-d', '--name', 'live', image, 'sleep', '600'])).stdout.trim();
    const started = Date.now();
    await expect
      .poll(() => seen.some((change) => change.kind === 'upsert' && change.row.state === 'running'))
      .toBe(true);
    expect(Date.now() - started).toBeLessThan(500);
    await engine.docker(['pause', 'live']);
    await expect
      .poll(() => seen.some((change) => change.kind === 'upsert' && change.row.state === 'paused'))
      .toBe(true);
    await engine.docker(['rename', 'live', 'livelier']);
    await expect
      .poll(() => seen.some((change) => change.kind === 'upsert' && change.row.name === 'livelier'))
      .toBe(true);
    await engine.docker(['rm', '-f', 'livelier']);
    await collected;
    expect(seen.at(-1)).toEqual({ kind: 'remove', id });
  });

  it('acts on several, each with its own result', async () => {
    const made = await Promise.all([1, 2, 3].map(() => run({ command: 'sleep 600' })));
    const ids = made.map(({ id }) => id);
    const results = await connection.client.containers.kill({ ids: [...ids, 'nothing'] });
    expect(results.slice(0, 3)).toEqual(ids.map((id) => ({ id })));
    expect(results[3]).toMatchObject({
      id: 'nothing',
      error: { code: 'not-found', message: 'cannot kill container: nothing: No such container: nothing' },
    });
    const removed = await connection.client.containers.remove({ ids, force: true, volumes: true });
    expect(removed).toEqual(ids.map((id) => ({ id })));
  });

  it('comes back by itself when the engine was killed and started again', async () => {
    const { id } = await run({ command: 'sleep 600' });
    const states: string[] = [];
    const status = await connection.client.engine.watch();
    void (async () => {
      for await (const { state } of status) states.push(state);
    })().catch(() => undefined);
    await engine.kill();
    await expect.poll(() => states.at(-1), { timeout: 5_000 }).toBe('unreachable');
    const failure = await failureOf(connection.client.containers.inspect({ id }));
    expect(failure.code).toBe('unreachable');
    await engine.start();
    await expect.poll(() => states.at(-1), { timeout: 15_000 }).toBe('ready');
    const change = await until(await connection.client.containers.watch(), (item) => item.kind === 'snapshot');
    expect(change.kind === 'snapshot' && change.rows.find((row) => row.id === id)?.state).toBe('running');
    await status.return?.(undefined);
    await connection.client.containers.remove({ ids: [id], force: true, volumes: true });
  });
});

describe('looking into one', () => {
  it('shows its log, both streams told apart, and follows it', async () => {
    const { id } = await run({ command: `sh -c 'echo out; echo err >&2; sleep 1; echo "späť €"; sleep 600'` });
    const batches = await connection.client.containers.logs({ id, follow: true, tail: 0 });
    const lines: LogLine[] = [];
    let caughtUp = false;
    for await (const batch of batches) {
      if (batch.kind === 'lines') lines.push(...batch.lines);
      if (batch.kind === 'caughtUp') caughtUp = true;
      if (lines.length >= 3) break;
    }
    expect(lines.map(({ stream, text }) => `${stream} ${text}`).sort()).toEqual([
      'stderr err',
      'stdout out',
      'stdout späť €',
    ]);
    expect(caughtUp).toBe(true);
    expect(Math.abs(Date.now() - (lines[2]?.time ?? 0))).toBeLessThan(5_000);
    await connection.client.containers.remove({ ids: [id], force: true, volumes: true });
  });

  it('reads 1,000,000 lines in a few seconds', async () => {
    const { id } = await run({
      command: `sh -c 'yes "a line of a log that is about as long as lines are, seventy letters" | head -n 1000000'`,
    });
    await engine.docker(['wait', id], { timeout: 120_000 });
    const started = Date.now();
    let count = 0;
    for await (const batch of await connection.client.containers.logs({ id, follow: false, tail: 0 }))
      if (batch.kind === 'lines') count += batch.lines.length;
    const seconds = (Date.now() - started) / 1000;
    process.stdout.write(`1,000,000 lines through the contract: ${seconds.toFixed(1)} s\n`);
    expect(count).toBe(1_000_000);
    expect(seconds).toBeLessThan(30);
    expect((await logLines(id)).length).toBe(1_000_000);
    await connection.client.containers.remove({ ids: [id], force: true, volumes: true });
  }, 180_000);

  it('opens a terminal with a size, and hangs it up when the window closes it', async () => {
    const { id } = await run({ command: 'sleep 600' });
    const updates = await connection.client.terminals.open({ id, command: [], user: '', columns: 91, rows: 27 });
    const session = await sessionOf(updates);
    let text = '';
    const reading = (async () => {
      for await (const update of updates) if (update.kind === 'output') text += update.data;
    })();
    await connection.client.terminals.write({ session, data: 'stty size; tty; echo "žlu$((1+1))"\r' });
    await expect.poll(() => text).toContain('27 91');
    await expect.poll(() => text).toContain('žlu2');
    expect(text).not.toContain('7770');
    await connection.client.terminals.resize({ session, columns: 120, rows: 40 });
    await connection.client.terminals.write({ session, data: 'stty size\r' });
    await expect.poll(() => text).toContain('40 120');
    const shells = async () => {
      const { titles, rows } = await connection.client.containers.processes({ id });
      const column = titles.findIndex((title) => /^(CMD|COMMAND|ARGS)$/i.test(title));
      return rows.map((row) => row[column]).filter((command) => !command?.includes('sleep'));
    };
    expect(await shells()).toHaveLength(1);
    await updates.return?.(undefined);
    await reading.catch(() => undefined);
    await expect.poll(shells).toHaveLength(0);
    const gone = await failureOf(connection.client.terminals.write({ session, data: 'x' }));
    expect(gone.code).toBe('not-found');
    await connection.client.containers.remove({ ids: [id], force: true, volumes: true });
  });

  it('tells the exit code of a terminal that ends by itself', async () => {
    const { id } = await run({ command: 'sleep 600' });
    const updates = await connection.client.terminals.open({ id, command: [], user: 'nobody', columns: 80, rows: 24 });
    const session = await sessionOf(updates);
    await connection.client.terminals.write({ session, data: 'exit 7\r' });
    const exit = await until(updates, (update) => update.kind === 'exit');
    expect(exit).toEqual({ kind: 'exit', code: 7 });
    await connection.client.containers.remove({ ids: [id], force: true, volumes: true });
  });

  it('meters, remembers, and shows what is underneath', async () => {
    const { id } = await run({ command: `sh -c 'while :; do :; done'`, cpus: '0.3', memory: '32m' });
    const tick = await until(
      await connection.client.containers.usage(),
      (update) => (update.containers[id]?.cpuPercent ?? 0) > 5,
    );
    expect(tick.containers[id]).toMatchObject({ memoryLimit: 32 * 2 ** 20 });
    expect(tick.containers[id]?.cpuPercent).toBeLessThan(60);
    const history = await until(
      await connection.client.containers.history({ id }),
      (update) => update.kind === 'history',
    );
    expect(history.kind === 'history' && history.samples.length).toBeGreaterThan(0);
    await until(await connection.client.containers.history({ id }), (update) => update.kind === 'sample');
    const isolation = await connection.client.containers.isolation({ id });
    expect(isolation?.namespaces.find(({ type }) => type === 'pid')?.host).toBe(false);
    await connection.client.containers.remove({ ids: [id], force: true, volumes: true });
  });
});

describe('images', () => {
  it('lists, tags, inspects and removes them, and knows who uses them', async () => {
    const { id } = await run({ name: 'user-of-it', command: 'sleep 600' });
    const images = await until(await connection.client.images.watch(), ({ rows }) =>
      rows.some((row) => row.usedBy.includes('user-of-it')),
    );
    const row = images.rows.find(({ tags }) => tags.includes(image));
    expect(row?.usedBy).toContain('user-of-it');
    await connection.client.images.tag({ reference: image, target: 'mine:v1' });
    const seen = await until(await connection.client.images.watch(), ({ rows }) =>
      rows.some(({ tags }) => tags.includes('mine:v1')),
    );
    expect(seen.rows).toHaveLength(images.rows.length);
    const { inspect, history } = await connection.client.images.inspect({ reference: 'mine:v1' });
    expect(inspect.Id).toBe(row?.id);
    expect(history.length).toBeGreaterThan(0);
    expect(await connection.client.images.remove({ references: ['mine:v1', 'nothing:1'], force: false })).toMatchObject(
      [{ id: 'mine:v1' }, { id: 'nothing:1', error: { code: 'not-found', message: 'No such image: nothing:1' } }],
    );
    await connection.client.containers.remove({ ids: [id], force: true, volumes: true });
  });
});
