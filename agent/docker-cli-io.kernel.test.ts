import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture();
});
afterAll(() => fixture?.close());

describe('terminals', () => {
  it("runs with a terminal of the client's size", async () => {
    const { stdout, code } = await fixture.inTerminal(
      `run -it --rm --network none ${fixture.image} sh -c "tty; test -t 0 && echo terminal; exit 4"`,
    );
    expect(stdout).toContain('/dev/pts/0');
    expect(stdout).toContain('terminal');
    expect(code).toBe(4);
  });

  it('types into a shell', async () => {
    const { stdout, code } = await fixture.inTerminal(
      `run -it --rm --network none ${fixture.image} sh`,
      'echo $((6*7))\nexit 5\n',
    );
    expect(stdout).toContain('42');
    expect(code).toBe(5);
  });

  it('attaches, detaches by ctrl-p ctrl-q, and leaves the shell running', async () => {
    await fixture.ok('run', '-dit', '--name', 'shell', '--network', 'none', fixture.image, 'sh');
    await fixture.inTerminal('attach shell', 'echo one\n', '\x10\x11');
    expect(await fixture.ok('inspect', '-f', '{{.State.Running}}', 'shell')).toBe('true');
    await fixture.inTerminal('attach shell', 'echo two\nexit 3\n');
    expect(await fixture.ok('wait', 'shell')).toBe('3');
    expect(await fixture.ok('logs', 'shell')).toMatch(/one[\s\S]*two/);
    await fixture.ok('rm', 'shell');
  });
});

describe('docker exec', () => {
  beforeAll(async () => {
    await fixture.ok('run', '-d', '--name', 'host', '--network', 'none', fixture.image, 'sleep', '600');
  });
  afterAll(() => fixture.ok('rm', '-f', 'host'));

  it('keeps streams apart, hands stdin on, gives the exit code', async () => {
    expect(await fixture.docker(['exec', 'host', 'sh', '-c', 'echo a; echo b >&2; exit 5'])).toMatchObject({
      stdout: 'a',
      stderr: 'b',
      code: 5,
    });
    expect((await fixture.docker(['exec', '-i', 'host', 'wc', '-c'], { input: 'y'.repeat(200_000) })).stdout).toBe(
      '200000',
    );
    expect((await fixture.docker(['exec', 'host', 'sh', '-c', 'echo late > /dev/stderr'])).stderr).toBe('late');
  });

  it('runs with a terminal', async () => {
    const { stdout, code } = await fixture.inTerminal('exec -it host sh', 'tty\nexit 6\n');
    expect(stdout).toContain('/dev/pts/');
    expect(code).toBe(6);
  });

  it('takes user, directory and environment', async () => {
    expect(
      await fixture.ok('exec', '-u', 'nobody', '-w', '/tmp', '-e', 'K=v', 'host', 'sh', '-c', 'id -un; pwd; echo $K'),
    ).toBe('nobody\n/tmp\nv');
  });

  it('says what cannot be run: 127, 126', async () => {
    const missing = await fixture.docker(['exec', 'host', 'nope']);
    expect(missing.code).toBe(127);
    expect(missing.stdout + missing.stderr).toBe(
      'OCI runtime exec failed: exec failed: unable to start container process: exec: "nope": executable file not found in $PATH: unknown',
    );
    expect((await fixture.docker(['exec', 'host', '/etc/passwd'])).code).toBe(126);
    const terminal = await fixture.inTerminal('exec -it host nope');
    expect(terminal.code).toBe(127);
    expect(terminal.stdout).toContain('exec: "nope": executable file not found in $PATH');
  });

  it('runs detached', async () => {
    await fixture.ok('exec', '-d', 'host', 'touch', '/made');
    await eventually(
      () => fixture.docker(['exec', 'host', 'ls', '/made']),
      ({ code }) => code === 0,
      'the file',
    );
  });

  it('can be inspected while and after it runs', async () => {
    const { engine } = fixture;
    const created = await engine.request('POST', '/v1.41/containers/host/exec', {
      Cmd: ['sleep', '0.3'],
      AttachStdout: true,
    });
    const { Id } = created.body as { Id: string };
    await engine.request('POST', `/v1.41/exec/${Id}/start`, { Detach: true });
    const during = (await engine.request('GET', `/v1.41/exec/${Id}/json`)).body;
    expect(during).toMatchObject({
      Running: true,
      ExitCode: null,
      ProcessConfig: { entrypoint: 'sleep', arguments: ['0.3'] },
    });
    const after = await eventually(
      async () => (await engine.request('GET', `/v1.41/exec/${Id}/json`)).body,
      (body) => !(body as { Running: boolean }).Running,
      'the end',
    );
    expect(after).toMatchObject({ Running: false, ExitCode: 0 });
    expect(await engine.request('POST', `/v1.41/exec/${Id}/start`, {})).toMatchObject({ status: 409 });
    expect(await engine.request('GET', '/v1.41/exec/nope/json')).toMatchObject({
      status: 404,
      body: { message: 'No such exec instance: nope' },
    });
  });
});

describe('attach and logs', () => {
  it('gives an attacher from before the start the first byte', async () => {
    for (let round = 0; round < 5; round += 1) {
      await fixture.ok('create', '--name', 'early', '--network', 'none', fixture.image, 'echo', `round ${round}`);
      expect((await fixture.docker(['start', '-a', 'early'])).stdout).toBe(`round ${round}`);
      await fixture.ok('rm', 'early');
    }
  });

  it('follows logs to the end', async () => {
    await fixture.ok(
      'run',
      '-d',
      '--name',
      'talker',
      '--network',
      'none',
      fixture.image,
      'sh',
      '-c',
      'for i in 1 2 3 4 5; do echo $i; sleep 0.1; done',
    );
    expect(await fixture.ok('logs', '-f', 'talker')).toBe('1\n2\n3\n4\n5');
    expect(await fixture.ok('logs', '--tail', '2', 'talker')).toBe('4\n5');
    await fixture.ok('rm', 'talker');
  });

  it('keeps logs within the size and number asked for, without a gap', async () => {
    const { ok, image, engine } = fixture;
    const script =
      'i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo "$i $(head -c 2000 /dev/zero | tr "\\0" x)"; sleep 0.1; done; sleep 60';
    await ok(
      'run',
      '-d',
      '--name',
      'wordy',
      '--log-opt',
      'max-size=20k',
      '--log-opt',
      'max-file=3',
      '--network',
      'none',
      image,
      'sh',
      '-c',
      script,
    );
    const text = await eventually(
      () => ok('logs', '--tail', '30', 'wordy'),
      (now) => now.includes('\n60 '),
      'the last line',
      20_000,
    );
    const numbers = text.split('\n').map((line) => Number(line.split(' ')[0]));
    numbers.forEach((number, index) => index > 0 && expect(number).toBe((numbers[index - 1] as number) + 1));
    const id = await ok('inspect', '-f', '{{.Id}}', 'wordy');
    const files = readdirSync(`${engine.root}/containers/${id}`).filter((name) => name.startsWith('container.log'));
    expect(files.length).toBeGreaterThan(1);
    expect(files.length).toBeLessThanOrEqual(3);
    await ok('rm', '-f', 'wordy');
  });

  it('keeps stdin open for a second attach with -i alone, and closes it after the first with -i attached', async () => {
    await fixture.ok(
      'run',
      '-di',
      '--name',
      'reader',
      '--network',
      'none',
      fixture.image,
      'sh',
      '-c',
      'while read l; do echo got $l; [ $l = end ] && exit 8; done; exit 1',
    );
    const first = fixture.docker(['attach', 'reader'], { input: 'one\n' });
    await eventually(
      () => fixture.ok('logs', 'reader'),
      (text) => text.includes('got one'),
      'the first line',
    );
    await fixture.docker(['attach', 'reader'], { input: 'end\n' });
    await first;
    expect(await fixture.ok('wait', 'reader')).toBe('8');
    await fixture.ok('rm', 'reader');
  });
});
