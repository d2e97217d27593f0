import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';
import { freePort } from './testing/index.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture();
});
afterAll(() => fixture?.close());

const run = (...args: string[]) => fixture.docker(['run', '--rm', '--network', 'none', ...args]);

describe('docker run', () => {
  it('keeps the streams apart and gives the exit code', async () => {
    const result = await run(fixture.image, 'sh', '-c', 'echo out; echo err >&2; exit 7');
    expect(result).toMatchObject({ stdout: 'out', stderr: 'err', code: 7 });
    expect(await fixture.ok('ps', '-aq')).toBe('');
  });

  it('hands stdin on to its end', async () => {
    const input = 'x'.repeat(300_000);
    const result = await fixture.docker(['run', '-i', '--rm', '--network', 'none', fixture.image, 'wc', '-c'], {
      input,
    });
    expect(result.stdout).toBe('300000');
  });

  it('loses no byte of a burst of output', async () => {
    const { stdout } = await run(
      fixture.image,
      'sh',
      '-c',
      'i=0; while [ $i -lt 20000 ]; do echo line-$i; i=$((i+1)); done',
    );
    const lines = stdout.split('\n');
    expect(lines).toHaveLength(20_000);
    expect(lines.every((line, index) => line === `line-${index}`)).toBe(true);
  });

  it('says what cannot be run, with 127 and 126, and leaves nothing', async () => {
    const missing = await run(fixture.image, 'no-such-program');
    expect(missing.code).toBe(127);
    expect(missing.stderr).toContain('exec: "no-such-program": executable file not found in $PATH: unknown');
    const forbidden = await run(fixture.image, '/etc/passwd');
    expect(forbidden.code).toBe(126);
    expect(forbidden.stderr).toContain('exec: "/etc/passwd": permission denied: unknown');
    expect(await fixture.ok('ps', '-aq')).toBe('');
  });

  it('leaves a container that could not start in state created, with code and reason', async () => {
    const { code } = await fixture.docker([
      'run',
      '--name',
      'unstartable',
      '--network',
      'none',
      fixture.image,
      'no-such-program',
    ]);
    expect(code).toBe(127);
    const state = JSON.parse(await fixture.ok('inspect', '-f', '{{json .State}}', 'unstartable')) as Record<
      string,
      unknown
    >;
    expect(state).toMatchObject({ Status: 'created', ExitCode: 127, Pid: 0, Running: false });
    expect(state['Error']).toContain('executable file not found in $PATH');
    await fixture.ok('rm', 'unstartable');
  });

  it('applies user, directory, environment, entrypoint and host name', async () => {
    const { stdout } = await run(
      '-u',
      'nobody',
      '-w',
      '/tmp',
      '-e',
      'A=b c',
      '-h',
      'harbour',
      '--entrypoint',
      'sh',
      fixture.image,
      '-c',
      'id -un; pwd; echo "$A"; hostname; cat /etc/hostname',
    );
    expect(stdout.split('\n')).toEqual(['nobody', '/tmp', 'b c', 'harbour', 'harbour']);
  });

  it('puts limits in force', async () => {
    const { stdout } = await run(
      '-m',
      '32m',
      '--cpus',
      '0.5',
      '--pids-limit',
      '20',
      '--cpuset-cpus',
      '0',
      fixture.image,
      'sh',
      '-c',
      'cd /sys/fs/cgroup; if [ -e cgroup.controllers ]; then cat memory.max cpu.max pids.max cpuset.cpus; else cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us pids/pids.max cpuset/cpuset.cpus; fi',
    );
    expect(stdout).toMatch(/^33554432\n50000.*\n20\n0$/);
  });

  it('tells of an end by the out-of-memory killer', async () => {
    await fixture.docker([
      'run',
      '--name',
      'greedy',
      '-m',
      '16m',
      '--memory-swap',
      '16m',
      '--network',
      'none',
      fixture.image,
      'sh',
      '-c',
      'dd if=/dev/zero of=/dev/null bs=200M count=1',
    ]);
    const state = JSON.parse(await fixture.ok('inspect', '-f', '{{json .State}}', 'greedy')) as Record<string, unknown>;
    expect(state['OOMKilled']).toBe(true);
    await fixture.ok('rm', 'greedy');
  });

  it('drops and gives capabilities, and everything with --privileged', async () => {
    const bounding = async (...args: string[]) =>
      BigInt(`0x${(await run(...args, fixture.image, 'sh', '-c', 'grep CapBnd /proc/self/status | cut -f2')).stdout}`);
    expect((await bounding()).toString(16)).toBe('a80425fb');
    expect((await bounding('--cap-drop', 'ALL')).toString(16)).toBe('0');
    expect((await bounding('--cap-add', 'NET_ADMIN')) & (1n << 12n)).toBe(1n << 12n);
    expect(await bounding('--privileged')).toBeGreaterThan(0xa80425fbn);
  });

  it('binds files and directories, read-only where asked', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'berth-bind-'));
    try {
      await writeFile(join(directory, 'in'), 'from outside');
      const result = await run(
        '-v',
        `${directory}:/d`,
        '-v',
        `${directory}/in:/ro:ro`,
        fixture.image,
        'sh',
        '-c',
        'cat /d/in; echo inside > /d/out; echo x > /ro',
      );
      expect(result.stdout).toBe('from outside');
      expect(result.stderr).toContain('Read-only file system');
      expect(await readFile(join(directory, 'out'), 'utf8')).toBe('inside\n');
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('fills a new volume with what the image has there, and keeps what is written', async () => {
    expect(
      (await run('-v', 'filled:/etc', fixture.image, 'sh', '-c', 'echo new >> /etc/group; ls /etc')).stdout,
    ).toContain('passwd');
    expect((await run('-v', 'filled:/v', fixture.image, 'tail', '-n', '1', '/v/group')).stdout).toBe('new');
    await fixture.ok('volume', 'rm', 'filled');
  });

  it('publishes a port, names its owner, and frees it', async () => {
    const port = await freePort();
    await fixture.ok(
      'run',
      '-d',
      '--name',
      'web',
      '-p',
      `127.0.0.1:${port}:80`,
      fixture.image,
      'httpd',
      '-f',
      '-p',
      '80',
      '-h',
      '/etc',
    );
    // The container runs before its server listens.
    const ask = () =>
      fetch(`http://127.0.0.1:${port}/hostname`).then(
        (answer) => answer.text(),
        () => '',
      );
    expect(await eventually(ask, (text) => text !== '', 'an answer of the server')).toMatch(/^[0-9a-f]{12}\n$/);
    expect(await fixture.ok('port', 'web')).toBe(`80/tcp -> 127.0.0.1:${port}`);
    expect(await fixture.ok('ps', '--format', '{{.Ports}}')).toBe(`127.0.0.1:${port}->80/tcp`);
    const second = await fixture.docker(['run', '--rm', '-p', `127.0.0.1:${port}:80`, fixture.image, 'true']);
    expect(second.stderr).toContain('port is already allocated');
    expect(second.code).toBe(125);
    await fixture.ok('rm', '-f', 'web');
    expect((await fixture.docker(['run', '--rm', '-p', `127.0.0.1:${port}:80`, fixture.image, 'true'])).code).toBe(0);
  });

  it('shares the network of another container', async () => {
    await fixture.ok('run', '-d', '--name', 'owner', fixture.image, 'sleep', '60');
    const inode = (name: string) => fixture.ok('exec', name, 'readlink', '/proc/self/ns/net');
    await fixture.ok(
      'run',
      '-d',
      '--name',
      'guest',
      '--network',
      'container:owner',
      '--pid',
      'container:owner',
      fixture.image,
      'sleep',
      '61',
    );
    expect(await inode('guest')).toBe(await inode('owner'));
    expect(await fixture.ok('exec', 'guest', 'ps')).toContain('sleep 60');
    expect(await fixture.ok('exec', 'guest', 'cat', '/etc/hosts')).toBe(
      await fixture.ok('exec', 'owner', 'cat', '/etc/hosts'),
    );
    await fixture.ok('rm', '-f', 'guest', 'owner');
  });

  it("gives containers on a network of their own each other's names", async () => {
    await fixture.ok('network', 'create', 'quay');
    await fixture.ok('run', '-d', '--name', 'crane', '--network', 'quay', fixture.image, 'sleep', '60');
    expect(
      await fixture.ok('run', '--rm', '--network', 'quay', fixture.image, 'ping', '-c', '1', '-W', '5', 'crane'),
    ).toContain('1 packets received');
    await fixture.ok('rm', '-f', 'crane');
    await fixture.ok('network', 'rm', 'quay');
  });
});

describe('refusals', () => {
  it("has Docker's words for names", async () => {
    await fixture.ok('create', '--name', 'taken', fixture.image);
    const id = await fixture.ok('inspect', '-f', '{{.Id}}', 'taken');
    const twice = await fixture.docker(['create', '--name', 'taken', fixture.image]);
    expect(twice.stderr).toContain(
      `Conflict. The container name "/taken" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
    );
    expect((await fixture.docker(['create', '--name', 'x', fixture.image])).stderr).toContain(
      'Invalid container name (x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed',
    );
    await fixture.ok('rm', 'taken');
  });

  it('knows no container that is not there, and no image', async () => {
    const { engine } = fixture;
    expect(await engine.request('GET', '/v1.41/containers/nope/json')).toMatchObject({
      status: 404,
      body: { message: 'No such container: nope' },
    });
    expect(await engine.request('POST', '/v1.41/containers/create', { Image: 'nope' })).toMatchObject({
      status: 404,
      body: { message: 'No such image: nope:latest' },
    });
    expect((await engine.request('GET', '/v1.41/no/such/page')).status).toBe(404);
  });
});
