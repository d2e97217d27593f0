import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dockerFixture, type DockerFixture } from './docker-cli-fixture.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture({ runtime: 'runc' });
});
afterAll(() => fixture?.close());

describe('with runc', () => {
  it('runs, with streams, exit code, limits and network', async () => {
    const { docker, image } = fixture;
    expect(
      await docker([
        'run',
        '--rm',
        '-m',
        '32m',
        image,
        'sh',
        '-c',
        'echo out; echo err >&2; ip -4 addr show eth0 | grep -c inet; exit 7',
      ]),
    ).toMatchObject({
      stdout: 'out\n1',
      stderr: 'err',
      code: 7,
    });
  });

  it('runs with a terminal, executes, stops, restarts', async () => {
    const { ok, docker, inTerminal, image } = fixture;
    expect(await inTerminal(`run -it --rm ${image} sh -c "tty; exit 4"`)).toMatchObject({ code: 4 });
    await ok('run', '-d', '--name', 'host', image, 'sleep', '600');
    expect(await docker(['exec', '-i', 'host', 'sh', '-c', 'cat; exit 5'], { input: 'in' })).toMatchObject({
      stdout: 'in',
      code: 5,
    });
    expect((await inTerminal('exec -it host sh', 'exit 6\n')).code).toBe(6);
    await ok('pause', 'host');
    await ok('unpause', 'host');
    await ok('restart', '-t', '0', 'host');
    await ok('rm', '-f', 'host');
  });

  it('says what cannot be run in the same words', async () => {
    const { docker, ok, image } = fixture;
    const { stderr, code } = await docker(['run', '--rm', image, 'nope']);
    expect(code).toBe(127);
    expect(stderr).toContain(
      'runc create failed: unable to start container process: exec: "nope": executable file not found in $PATH: unknown',
    );
    expect((await docker(['run', '--rm', image, '/etc/passwd'])).code).toBe(126);
    await ok('run', '-d', '--name', 'host', image, 'sleep', '600');
    const exec = await docker(['exec', 'host', 'nope']);
    expect(exec).toMatchObject({
      code: 127,
      stdout:
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "nope": executable file not found in $PATH: unknown',
      stderr: '',
    });
    await ok('rm', '-f', 'host');
    expect(await ok('ps', '-aq')).toBe('');
  });

  it('finds its containers after being killed', async () => {
    const { engine, ok, image } = fixture;
    await ok('run', '-d', '--name', 'host', image, 'sleep', '600');
    await engine.kill();
    await engine.start();
    expect(await ok('exec', 'host', 'echo', 'fine')).toBe('fine');
    await ok('rm', '-f', 'host');
  });
});
