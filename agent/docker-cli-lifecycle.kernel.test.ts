import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture();
});
afterEach(async () => {
  const ids = (await fixture.ok('ps', '-aq')).split('\n').filter(Boolean);
  if (ids.length > 0) await fixture.ok('rm', '-f', '-v', ...ids);
});
afterAll(() => fixture?.close());

const state = async (name: string) =>
  JSON.parse(await fixture.ok('inspect', '-f', '{{json .State}}', name)) as Record<string, unknown>;
const sleeper = (name: string, ...args: string[]) =>
  fixture.ok('run', '-d', '--name', name, '--network', 'none', ...args, fixture.image, 'sleep', '600');
const TRAP = 'trap "echo asked; exit 3" TERM; trap "echo poked" USR1; while true; do sleep 0.05; done';

describe('ending a container', () => {
  it('asks first and kills after the time given', async () => {
    const { ok, image } = fixture;
    await ok('run', '-d', '--name', 'polite', '--network', 'none', image, 'sh', '-c', TRAP);
    await sleeper('deaf');
    await eventually(
      async () => {
        await ok('kill', '-s', 'USR1', 'polite');
        return ok('logs', 'polite');
      },
      (text) => text.includes('poked'),
      'the trap',
    );
    await ok('stop', 'polite');
    expect(await state('polite')).toMatchObject({ Status: 'exited', ExitCode: 3 });
    const began = Date.now();
    await ok('stop', '-t', '1', 'deaf');
    expect(Date.now() - began).toBeGreaterThan(950);
    expect(await state('deaf')).toMatchObject({ Status: 'exited', ExitCode: 137 });
    expect(await ok('stop', 'deaf')).toBe('deaf');
  });

  it("refuses in Docker's words what the state does not allow", async () => {
    const { engine, ok, docker, image } = fixture;
    await ok('create', '--name', 'fresh', image);
    const id = await ok('inspect', '-f', '{{.Id}}', 'fresh');
    expect((await docker(['kill', 'fresh'])).stderr).toContain(
      `cannot kill container: fresh: container ${id} is not running`,
    );
    expect((await docker(['pause', 'fresh'])).stderr).toContain(`container ${id} is not running`);
    expect((await docker(['exec', 'fresh', 'true'])).stderr).toContain(`container ${id} is not running`);
    await sleeper('busy');
    expect((await docker(['rm', 'busy'])).stderr).toContain(
      'cannot remove container "/busy": container is running: stop the container before removing or force remove',
    );
    expect((await engine.request('POST', '/containers/busy/start')).status).toBe(304);
    expect((await engine.request('POST', '/containers/fresh/stop')).status).toBe(304);
    expect((await engine.request('POST', '/containers/busy/kill?signal=NOPE')).body).toEqual({
      message: 'invalid signal: NOPE',
    });
    expect((await engine.request('POST', '/containers/busy/resize?h=x&w=1')).status).toBe(400);
    expect((await engine.request('POST', '/containers/busy/wait?condition=never')).status).toBe(400);
  });

  it('freezes and goes on, and can be ended while frozen', async () => {
    const { ok } = fixture;
    await sleeper('still');
    await ok('pause', 'still');
    expect(await ok('ps', '--format', '{{.Status}}')).toMatch(/\(Paused\)$/);
    await ok('unpause', 'still');
    await ok('pause', 'still');
    await ok('rm', '-f', 'still');
  });

  it('restarts: another process, the same container', async () => {
    const { ok } = fixture;
    await sleeper('again');
    const before = await state('again');
    await ok('restart', '-t', '0', 'again');
    const after = await state('again');
    expect(after['Pid']).not.toBe(before['Pid']);
    expect(after).toMatchObject({ Status: 'running', ExitCode: 0 });
  });
});

describe('policies', () => {
  it('restarts after failures, so often as asked', async () => {
    const { ok, image } = fixture;
    await ok(
      'run',
      '-d',
      '--name',
      'stubborn',
      '--restart',
      'on-failure:2',
      '--network',
      'none',
      image,
      'sh',
      '-c',
      'echo try; exit 9',
    );
    await eventually(
      () => state('stubborn'),
      (now) => now['Status'] === 'exited',
      'giving up',
    );
    expect(await ok('inspect', '-f', '{{.RestartCount}}', 'stubborn')).toBe('2');
    expect(await ok('logs', 'stubborn')).toBe('try\ntry\ntry');
  });

  it('stops restarting when the user says so, also between two runs', async () => {
    const { ok, image } = fixture;
    await ok('run', '-d', '--name', 'loop', '--restart', 'always', '--network', 'none', image, 'false');
    await eventually(
      () => state('loop'),
      (now) => now['Status'] === 'restarting',
      'a pause between runs',
    );
    await ok('stop', 'loop');
    expect(await state('loop')).toMatchObject({ Status: 'exited', Restarting: false });
    await new Promise((done) => setTimeout(done, 600));
    expect(await state('loop')).toMatchObject({ Status: 'exited' });
  });

  it('removes itself with its anonymous volumes', async () => {
    const { ok, image } = fixture;
    await ok('run', '--rm', '-v', '/data', '--network', 'none', image, 'touch', '/data/x');
    expect(await ok('ps', '-aq')).toBe('');
    expect(await ok('volume', 'ls', '-q')).toBe('');
  });

  it('waits for an end, and for a removal', async () => {
    const { ok, docker, image } = fixture;
    await ok('run', '-d', '--name', 'short', '--network', 'none', image, 'sh', '-c', 'sleep 0.5; exit 6');
    expect(await ok('wait', 'short')).toBe('6');
    expect(await ok('wait', 'short')).toBe('6');
    expect((await docker(['wait', 'none-such'])).code).toBe(1);
  });
});

describe('changing and looking', () => {
  it('renames, and refuses a name that is taken', async () => {
    const { ok, docker } = fixture;
    await sleeper('first');
    await sleeper('second');
    expect((await docker(['rename', 'first', 'second'])).stderr).toContain(
      'Conflict. The container name "/second" is already in use',
    );
    await ok('rename', 'first', 'third');
    expect(await ok('ps', '--format', '{{.Names}}')).toBe('second\nthird');
  });

  it('changes limits of a running container', async () => {
    const { ok } = fixture;
    await sleeper('limited', '-m', '64m', '--memory-swap', '64m');
    await ok('update', '-m', '128m', '--memory-swap', '128m', '--cpus', '0.25', 'limited');
    const limits = await ok(
      'exec',
      'limited',
      'sh',
      '-c',
      'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us 2>/dev/null || cat memory.max cpu.max',
    );
    expect(limits).toMatch(/^134217728\n25000/);
    expect(await ok('inspect', '-f', '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}', 'limited')).toBe(
      '134217728 250000000',
    );
  });

  it('lists by filters', async () => {
    const { ok, image } = fixture;
    await sleeper('running', '--label', 'side=port');
    await ok('create', '--name', 'waiting', '--label', 'side=starboard', image);
    await fixture.docker(['run', '--name', 'failed', '--network', 'none', image, 'sh', '-c', 'exit 4']);
    const names = async (...filters: string[]) =>
      (await ok('ps', '-a', '--format', '{{.Names}}', ...filters.flatMap((filter) => ['-f', filter])))
        .split('\n')
        .filter(Boolean);
    expect(await names()).toEqual(['failed', 'waiting', 'running']);
    expect(await names('status=running')).toEqual(['running']);
    expect(await names('label=side')).toEqual(['waiting', 'running']);
    expect(await names('label=side=port')).toEqual(['running']);
    expect(await names('exited=4')).toEqual(['failed']);
    expect(await names('name=ai')).toEqual(['failed', 'waiting']);
    expect(await names('name=^wait')).toEqual(['waiting']);
    expect(await names('before=failed')).toEqual(['waiting', 'running']);
    expect(await names('since=running', 'status=created')).toEqual(['waiting']);
    expect(await names(`ancestor=${image}`)).toHaveLength(3);
    expect(await names('network=none')).toEqual(['failed', 'running']);
    expect(await ok('ps', '--format', '{{.Names}}')).toBe('running');
    expect(await ok('ps', '-l', '--format', '{{.Names}}')).toBe('failed');
    expect(await ok('ps', '-a', '--format', '{{.Status}}', '-f', 'name=failed')).toMatch(/^Exited \(4\) .* ago$/);
    expect((await fixture.engine.request('GET', '/containers/json?filters={"nope":["1"]}')).body).toEqual({
      message: "invalid filter 'nope'",
    });
  });

  it('removes all that do not run', async () => {
    const { ok, image } = fixture;
    await sleeper('stays');
    await ok('create', '--name', 'goes', image);
    await ok('container', 'prune', '-f');
    expect(await ok('ps', '-a', '--format', '{{.Names}}')).toBe('stays');
  });

  it('tells what happens', async () => {
    const { ok, image } = fixture;
    const since = String(Date.now() / 1000);
    await ok(
      'run',
      '--rm',
      '--name',
      'eventful',
      '--label',
      'l=1',
      '--network',
      'none',
      image,
      'sh',
      '-c',
      'exit 2',
    ).catch(() => undefined);
    const until = String(Date.now() / 1000 + 0.2);
    const lines = await ok(
      'events',
      '--since',
      since,
      '--until',
      until,
      '--filter',
      'container=eventful',
      '--format',
      '{{.Action}} {{.Actor.Attributes.exitCode}} {{.Actor.Attributes.l}}',
    );
    expect(lines.split('\n')).toEqual([
      'create <no value> 1',
      'attach <no value> 1',
      'start <no value> 1',
      'die 2 1',
      'destroy <no value> 1',
    ]);
  });

  it('shows processes and use', async () => {
    const { ok } = fixture;
    await sleeper('seen');
    expect(await ok('top', 'seen')).toContain('sleep 600');
    expect(await ok('stats', '--no-stream', '--format', '{{.Name}} {{.PIDs}}')).toBe('seen 1');
  });

  it('copies in and out, and tells what changed', async () => {
    const { ok } = fixture;
    const directory = await mkdtemp(join(tmpdir(), 'berth-cp-'));
    try {
      await sleeper('box');
      await writeFile(join(directory, 'in'), 'cargo');
      await ok('cp', join(directory, 'in'), 'box:/tmp/in');
      expect(await ok('exec', 'box', 'cat', '/tmp/in')).toBe('cargo');
      await ok('cp', 'box:/etc/passwd', join(directory, 'out'));
      expect(await readFile(join(directory, 'out'), 'utf8')).toContain('nobody');
      expect(await ok('diff', 'box')).toContain('A /tmp/in');
      await ok('stop', '-t', '0', 'box');
      await ok('cp', 'box:/tmp/in', join(directory, 'back'));
      expect(await readFile(join(directory, 'back'), 'utf8')).toBe('cargo');
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe('a start that fails', () => {
  const held = () => {
    const { engine } = fixture;
    const mounts = readFileSync(`/proc/${engine.pid}/mountinfo`, 'utf8').split('\n');
    return {
      mounts: mounts.filter(
        (line) => line.includes(`${engine.root}/containers`) || line.includes(`${engine.runDir}/netns/`),
      ),
      run: readdirSync(`${engine.runDir}/containers`),
      netns: readdirSync(`${engine.runDir}/netns`),
      runtime: readdirSync(`${engine.runDir}/runtime`),
    };
  };
  it.each([
    ['the program is missing', ['no-such-program'], []],
    ['a mount cannot be made', ['true'], ['-v', '/etc/passwd:/etc']],
    ['a control is refused', ['true'], ['--sysctl', 'net.core.no_such=1']],
    ['the network refuses', ['true'], ['-p', '127.0.0.1:1:80', '--ip', '1.2.3.4']],
  ])('leaves nothing behind when %s', async (_why, command, options) => {
    const { ok, docker, image } = fixture;
    const { code } = await docker(['run', '--name', 'broken', ...options, image, ...command]);
    expect(code).toBeGreaterThan(100);
    expect(held()).toEqual({ mounts: [], run: [], netns: [], runtime: [] });
    expect(await ok('ps', '-q')).toBe('');
  });
});

describe('many at once', () => {
  it('starts and removes twenty, and leaves nothing', async () => {
    const { engine, ok, image } = fixture;
    const names = Array.from({ length: 20 }, (_value, index) => `fleet-${index}`);
    await Promise.all(names.map((name) => ok('run', '-d', '--name', name, image, 'sleep', '600')));
    expect((await ok('ps', '-q')).split('\n')).toHaveLength(20);
    const addresses = await ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', ...names);
    expect(new Set(addresses.split('\n')).size).toBe(20);
    await ok('rm', '-f', ...names);
    const mounts = readFileSync(`/proc/${engine.pid}/mountinfo`, 'utf8').split('\n');
    expect(
      mounts.filter((line) => line.includes(`${engine.root}/containers`) || line.includes(`${engine.runDir}/netns/`)),
    ).toEqual([]);
    expect(engine.log()).not.toContain('could not');
  });
});
