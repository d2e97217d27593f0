import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture();
});
afterAll(() => fixture?.close());

const state = async (name: string) =>
  JSON.parse(await fixture.ok('inspect', '-f', '{{json .State}}', name)) as Record<string, unknown>;
const COUNT = 'i=0; while true; do i=$((i+1)); echo line-$i; sleep 0.01; done';

/** 1, 2, 3 … without a gap. */
function expectWhole(lines: string[]): void {
  lines.forEach((line, index) => expect(line).toBe(`line-${index + 1}`));
}

describe('an engine that is killed', () => {
  it('finds its containers running and loses no line of their logs', async () => {
    const { engine, ok, image } = fixture;
    await ok('run', '-d', '--name', 'writer', image, 'sh', '-c', COUNT);
    const before = await state('writer');
    for (let round = 0; round < 3; round += 1) {
      await sleep(200);
      await engine.kill();
      await sleep(200);
      await engine.start();
    }
    const after = await state('writer');
    expect(after).toMatchObject({ Status: 'running', Pid: before['Pid'], StartedAt: before['StartedAt'] });
    expect(await ok('exec', 'writer', 'echo', 'reached')).toBe('reached');
    expect(
      await ok('exec', 'writer', 'ping', '-c', '1', '-W', '2', '172.17.0.1').catch(
        () => 'no gateway at the usual address',
      ),
    ).toBeTruthy();
    await ok('stop', '-t', '0', 'writer');
    const lines = (await ok('logs', 'writer')).split('\n');
    expect(lines.length).toBeGreaterThan(60);
    expectWhole(lines);
    await ok('rm', 'writer');
  });

  it('records the exits it did not see, with code and time', async () => {
    const { engine, ok, image } = fixture;
    await ok('run', '-d', '--name', 'leaver', image, 'sh', '-c', 'sleep 1; echo last words; exit 42');
    await ok('run', '-d', '--rm', '--name', 'tidy', image, 'sleep', '1');
    await engine.kill();
    await sleep(1500);
    await engine.start();
    const { StartedAt, FinishedAt, ...rest } = await state('leaver');
    expect(rest).toMatchObject({ Status: 'exited', ExitCode: 42, Pid: 0 });
    const ran = Date.parse(String(FinishedAt)) - Date.parse(String(StartedAt));
    expect(ran).toBeGreaterThan(900);
    expect(ran).toBeLessThan(1450);
    expect(await ok('logs', 'leaver')).toBe('last words');
    expect(await ok('ps', '-a', '--format', '{{.Names}}')).toBe('leaver');
    await ok('rm', 'leaver');
  });

  it('goes on with a paused container, and with attach to one that runs', async () => {
    const { engine, ok, image } = fixture;
    await ok('run', '-d', '--name', 'frozen', '--network', 'none', image, 'sleep', '60');
    await ok('run', '-di', '--name', 'cat', '--network', 'none', image, 'cat');
    await ok('pause', 'frozen');
    await engine.kill();
    await engine.start();
    expect(await state('frozen')).toMatchObject({ Status: 'paused', Paused: true });
    await ok('unpause', 'frozen');
    expect(
      await fixture.docker(['attach', '--no-stdin', 'cat'], { timeout: 1000 }).catch((error: Error) => error.message),
    ).toContain('did not end');
    const socketInput = fixture.docker(['attach', 'cat'], { input: 'through\n', timeout: 5000 }).catch(() => undefined);
    await eventually(
      () => ok('logs', 'cat'),
      (text) => text === 'through',
      'what was typed',
    );
    await ok('rm', '-f', 'frozen', 'cat');
    await socketInput;
  });

  it('starts again what its policy wants, not what the user stopped', async () => {
    const { engine, ok, image } = fixture;
    await ok('run', '-d', '--name', 'always', '--restart', 'always', '--network', 'none', image, 'sleep', '60');
    await ok('run', '-d', '--name', 'unless', '--restart', 'unless-stopped', '--network', 'none', image, 'sleep', '60');
    await ok(
      'run',
      '-d',
      '--name',
      'stopped',
      '--restart',
      'unless-stopped',
      '--network',
      'none',
      image,
      'sleep',
      '60',
    );
    await ok('stop', '-t', '0', 'stopped');
    const pids = (await ok('inspect', '-f', '{{.State.Pid}}', 'always', 'unless')).split('\n').map(Number);
    await engine.kill();
    // as a reboot does: the processes end, and nobody is there to see it
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await engine.start();
    await eventually(
      () => ok('ps', '--format', '{{.Names}}'),
      (names) => names.split('\n').sort().join(' ') === 'always unless',
      'the containers that run',
    );
    expect(await state('stopped')).toMatchObject({ Status: 'exited' });
    await ok('rm', '-f', 'always', 'unless', 'stopped');
  });

  it('leaves nothing of a start it was killed in', async () => {
    const { engine, ok, docker, image } = fixture;
    await ok('create', '--name', 'half', image, 'sleep', '60');
    for (const delay of [5, 20, 40, 60, 80, 120]) {
      const starting = docker(['start', 'half']);
      await sleep(delay);
      await engine.kill();
      await starting;
      await engine.start();
      const { Status, Pid } = await state('half');
      // Told as running it runs; otherwise nothing of it is there.
      if (Status === 'running') expect(readFileSync(`/proc/${String(Pid)}/comm`, 'utf8')).toBe('sleep\n');
      await ok('start', 'half');
      expect(await ok('exec', 'half', 'echo', 'fine')).toBe('fine');
      await ok('stop', '-t', '0', 'half');
    }
    await ok('rm', 'half');
    const mounts = readFileSync(`/proc/${engine.pid}/mountinfo`, 'utf8')
      .split('\n')
      .filter((line) => line.includes(engine.root) && line.includes('overlay'));
    expect(mounts).toEqual([]);
  });
});

describe('two engines', () => {
  it('refuses to share directories', async () => {
    const { engine } = fixture;
    const { exec } = await import('./system/exec.ts');
    const again = await exec(
      ['bin/berth', 'engine', '--socket', `${engine.socket}2`, '--root', engine.root, '--run-dir', engine.runDir],
      {
        okCodes: [1],
        env: { PATH: process.env['PATH'], BERTH_SOURCE: '1' },
      },
    );
    expect(again.stderr).toContain('another engine uses');
  });
});
