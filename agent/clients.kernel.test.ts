import Docker from 'dockerode';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';
import { exec } from './system/exec.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture();
});
afterAll(() => fixture?.close());

const text = (stream: NodeJS.ReadableStream) => {
  let all = '';
  stream.on('data', (chunk: Buffer) => (all += chunk.toString()));
  return { get: () => all, ended: new Promise((done) => stream.on('end', done)) };
};

test('python3-docker: its surface', { timeout: 90_000 }, async () => {
  const script = fileURLToPath(new URL('testing/python-client.py', import.meta.url));
  const { stdout } = await exec(['/usr/bin/python3', '-W', 'ignore', script, fixture.image], {
    timeout: 80_000,
    env: { PATH: process.env['PATH'], HOME: fixture.engine.directory, DOCKER_HOST: `unix://${fixture.engine.socket}` },
  });
  expect(stdout.trim()).toBe('ok');
});

describe('dockerode', () => {
  const docker = () => new Docker({ socketPath: fixture.engine.socket });

  test('runs, follows logs and events, executes, attaches', { timeout: 60_000 }, async () => {
    const client = docker();
    const events = await client.getEvents({ filters: { type: ['container'], label: ['who=dockerode'] } });
    const told = text(events as NodeJS.ReadableStream);
    const container = await client.createContainer({
      Image: fixture.image,
      Cmd: ['cat'],
      OpenStdin: true,
      Labels: { who: 'dockerode' },
    });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const out = text(stdout);
    container.modem.demuxStream(stream, stdout, stderr);
    await container.start();
    stream.write('typed\n');
    await eventually(
      () => Promise.resolve(out.get()),
      (all) => all === 'typed\n',
      'what cat gives back',
    );

    const run = await container.exec({
      Cmd: ['sh', '-c', 'echo a; echo b >&2'],
      AttachStdout: true,
      AttachStderr: true,
    });
    const [one, two] = [new PassThrough(), new PassThrough()];
    const [first, second] = [text(one), text(two)];
    const output = await run.start({});
    client.modem.demuxStream(output, one, two);
    await new Promise((done) => output.on('end', done));
    expect([first.get(), second.get()]).toEqual(['a\n', 'b\n']);
    expect(await run.inspect()).toMatchObject({ ExitCode: 0, Running: false });

    expect((await container.inspect()).State.Status).toBe('running');
    const logs = (await container.logs({ stdout: true, follow: false })) as Buffer;
    expect(logs.toString('latin1')).toContain('typed\n');
    expect((await client.listContainers({ filters: { label: ['who=dockerode'] } })).map(({ Id }) => Id)).toEqual([
      container.id,
    ]);
    await container.remove({ force: true });
    await eventually(
      () => Promise.resolve(told.get()),
      (all) => /"Action":"destroy"/.test(all),
      'events up to the removal',
    );
    expect([...told.get().matchAll(/"Action":"(\w+)/g)].map(([, action]) => action)).toEqual(
      expect.arrayContaining([
        'create',
        'attach',
        'start',
        'exec_create',
        'exec_start',
        'exec_die',
        'kill',
        'die',
        'destroy',
      ]),
    );
    (events as unknown as { destroy(): void }).destroy();
    await expect(client.getContainer('nosuch').inspect()).rejects.toMatchObject({ statusCode: 404 });
  });
});

describe('a WebSocket to a container', () => {
  const open = (id: string, query: string) =>
    new Promise<{ ws: WebSocket; got: () => string; closed: Promise<void> }>((done, fail) => {
      const ws = new WebSocket(`ws+unix://${fixture.engine.socket}:/v1.51/containers/${id}/attach/ws?${query}`);
      let all = '';
      const closed = new Promise<void>((end) => ws.on('close', () => end()));
      ws.on('message', (data, binary) => (all += binary ? (data as Buffer).toString() : '<text>'));
      ws.on('open', () => done({ ws, got: () => all, closed }));
      ws.on('unexpected-response', (_req, res) => fail(new Error(`status ${res.statusCode}`)));
      ws.on('error', fail);
    });

  test('carries both outputs as they are, input, the log, and the end; for several at once', async () => {
    const id = await fixture.ok('run', '-d', '-i', fixture.image, 'sh', '-c', 'echo before; echo err >&2; exec cat');
    await eventually(
      () => fixture.ok('logs', id),
      (all) => all.includes('before'),
      'the log',
    );
    const writer = await open(id, 'stream=1&stdin=1&stdout=1&stderr=1&logs=1');
    const reader = await open(id, 'stream=1&stdout=1');
    await eventually(
      () => Promise.resolve(writer.got()),
      (all) => all === 'before\nerr\n',
      'the log over the socket',
    );
    writer.ws.send('typed\n');
    for (const { got } of [writer, reader])
      await eventually(
        () => Promise.resolve(got()),
        (all) => all.endsWith('typed\n'),
        'what cat gives back',
      );
    expect(reader.got()).toBe('typed\n');
    await fixture.ok('kill', id);
    await Promise.all([writer.closed, reader.closed]);
    await fixture.ok('rm', id);
  });

  test('may be there before the start, and leaves with the detach keys', async () => {
    const id = await fixture.ok('create', '-it', fixture.image, 'cat');
    const { ws, got, closed } = await open(id, 'stream=1&stdin=1&stdout=1&detachKeys=ctrl-x,x');
    await fixture.ok('start', id);
    ws.send('typed\r');
    await eventually(
      () => Promise.resolve(got()),
      (all) => all.includes('typed\r\ntyped'),
      'the terminal',
    );
    ws.send('\u0018x');
    await closed;
    expect(await fixture.ok('inspect', '-f', '{{.State.Status}}', id)).toBe('running');
    await fixture.ok('rm', '-f', id);
  });

  test('is refused as other requests are', async () => {
    await expect(open('nosuch', 'stream=1')).rejects.toThrow('status 404');
    const { status } = await fixture.engine.request('GET', '/containers/nosuch/attach/ws');
    expect(status).toBe(404);
  });
});

/** Put there by build/docker-clients.sh. */
const CLIENTS = [
  ['20.10', '1.41'],
  ['newest', '1.51'],
] as const;

describe.each(CLIENTS)('docker %s', (which, version) => {
  const program = fileURLToPath(new URL(`../.berth/docker-${which}`, import.meta.url));

  test('negotiates its version, and runs', async () => {
    const docker = async (...args: string[]) =>
      (
        await exec([program, ...args], {
          timeout: 30_000,
          env: {
            PATH: process.env['PATH'],
            HOME: fixture.engine.directory,
            DOCKER_HOST: `unix://${fixture.engine.socket}`,
          },
        })
      ).stdout.trim();
    const [client = '', server = ''] = (
      await docker('version', '-f', '{{.Client.APIVersion}} {{.Server.APIVersion}}')
    ).split(' ');
    expect(client).toBe(version);
    expect(server).toBe('1.51');
    expect(
      await docker(
        'run',
        '--rm',
        '--mac-address',
        '02:42:ac:11:00:99',
        fixture.image,
        'cat',
        '/sys/class/net/eth0/address',
      ),
    ).toBe('02:42:ac:11:00:99');
    const id = await docker('run', '-d', fixture.image, 'sleep', '1000');
    expect(await docker('exec', '-i', id, 'echo', 'hello')).toBe('hello');
    expect(await docker('ps', '-q', '--no-trunc', '--filter', `id=${id}`)).toBe(id);
    expect(
      JSON.parse(await docker('system', 'df', '--format', '{{json .}}').then((all) => all.split('\n')[0] ?? '')),
    ).toHaveProperty('Type');
    expect(await docker('info', '-f', '{{.Swarm.LocalNodeState}}')).toBe('inactive');
    expect(await docker('plugin', 'ls', '-q')).toBe('');
    await docker('rm', '-f', id);
  });
});
