import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerInspect } from './api/container.ts';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture();
}, 60_000);
afterAll(() => fixture?.close(), 60_000);

const run = (name: string, script: string, ...options: string[]) =>
  fixture.ok('run', '-d', '--network', 'none', '--name', name, ...options, fixture.image, 'sh', '-c', script);
const inspect = async (name: string) =>
  (await fixture.engine.request('GET', `/containers/${name}/json`)).body as ContainerInspect;
const says = (name: string, text: string) =>
  eventually(
    () => fixture.ok('logs', name),
    (log) => log.split('\n').includes(text),
    `${name}: ${text}`,
  );
/** A shell that tells which of these signals it gets, and ends with the number of the last one in `ends`. */
const listening = (signals: number[], ends: number[]) =>
  [
    ...signals.map((signal) => `trap "echo got ${signal}" ${signal}`),
    ...ends.map((signal) => `trap "exit ${signal}" ${signal}`),
    'echo ready; while :; do sleep 0.02; done',
  ].join('; ');
const eventsOf = async (name: string) => {
  const until = String(Date.now() / 1000);
  const format = '{{.Action}} {{with index .Actor.Attributes "signal"}}{{.}}{{end}}';
  const text = await fixture.ok(
    ...['events', '--since', '1', '--until', until, '--filter', `container=${name}`, '--format', format],
  );
  return text.split('\n').map((line) => line.trim());
};

describe('signals', () => {
  it('kill takes every spelling', async () => {
    await run('spelt', listening([1, 10, 12, 28, 37, 40, 64], []));
    await says('spelt', 'ready');
    const spellings: [string, number][] = [
      ['SIGHUP', 1],
      ['hup', 1],
      ['10', 10],
      ['Usr1', 10],
      ['sigusr2', 12],
      ['WINCH', 28],
      ['RTMIN+3', 37],
      ['SIGRTMIN+6', 40],
      ['RTMAX', 64],
    ];
    for (const [spelling, number] of spellings) {
      const before = (await fixture.ok('logs', 'spelt')).length;
      await fixture.ok('kill', '--signal', spelling, 'spelt');
      await eventually(
        () => fixture.ok('logs', 'spelt'),
        (log) => log.slice(before).trim() === `got ${number}`,
        spelling,
      );
    }
    for (const wrong of ['0', '65', '-1', 'SIGFOO', 'RTMIN+99', '9999999999'])
      expect(
        await fixture.engine.request('POST', `/containers/spelt/kill?signal=${encodeURIComponent(wrong)}`),
      ).toMatchObject({
        status: 400,
        body: { message: `invalid signal: ${wrong}` },
      });
    await fixture.ok('rm', '-f', 'spelt');
  });

  it("stop sends the container's own signal, the image's, or the one that is asked for", async () => {
    const image = await fixture.imageWith('quits', {
      StopSignal: 'SIGQUIT',
      Cmd: ['sh', '-c', listening([], [3, 10, 12])],
    });
    const start = async (name: string, ...options: string[]) => {
      await fixture.ok('run', '-d', '--network', 'none', '--name', name, ...options, image);
      await says(name, 'ready');
    };
    await start('by-image');
    await fixture.ok('stop', 'by-image');
    expect((await inspect('by-image')).State.ExitCode).toBe(3);
    await start('by-option', '--stop-signal', 'USR1');
    await fixture.ok('stop', 'by-option');
    expect((await inspect('by-option')).State.ExitCode).toBe(10);
    await fixture.ok('start', 'by-option');
    await eventually(
      () => fixture.ok('logs', 'by-option'),
      (log) => log === 'ready\nready',
      'ready again',
    );
    await fixture.ok('stop', '-s', 'SIGUSR2', 'by-option');
    expect((await inspect('by-option')).State.ExitCode).toBe(12);
    expect((await eventsOf('by-option')).slice(0, 6)).toEqual(['create', 'start', 'kill 10', 'die', 'stop', 'start']);
  });

  it('waits as long as the container or the user says, then kills', async () => {
    await run('deaf', 'trap "" TERM; echo ready; while :; do sleep 0.02; done', '--stop-timeout', '1');
    await says('deaf', 'ready');
    const began = performance.now();
    await fixture.ok('stop', 'deaf');
    expect(performance.now() - began).toBeGreaterThan(950);
    expect((await inspect('deaf')).State.ExitCode).toBe(137);
    expect((await eventsOf('deaf')).slice(-4)).toEqual(['kill 15', 'kill 9', 'die', 'stop']);
    await fixture.ok('start', 'deaf');
    const at = performance.now();
    await fixture.ok('stop', '-t', '0', 'deaf');
    expect(performance.now() - at).toBeLessThan(950);
  });

  it('stop lets a paused container go, so that it can end by itself', async () => {
    await run('frozen', listening([], [15]));
    await says('frozen', 'ready');
    await fixture.ok('pause', 'frozen');
    await fixture.ok('stop', 'frozen');
    expect((await inspect('frozen')).State).toMatchObject({ Status: 'exited', ExitCode: 15, Paused: false });
    expect((await eventsOf('frozen')).slice(-5)).toEqual(['pause', 'kill 15', 'unpause', 'die', 'stop']);
  });
});

describe('--init', () => {
  // The orphan becomes a child of the first process, which never waits for it: a zombie, unless an init is first.
  const ORPHAN = '(sleep 0.05 &); echo ready; exec sleep 600';
  const zombies = async (name: string) =>
    (await fixture.ok('exec', name, 'ps', '-o', 'stat')).split('\n').filter((line) => line.startsWith('Z')).length;

  it('reaps orphans', async () => {
    await run('without', ORPHAN);
    await run('with', ORPHAN, '--init');
    await eventually(
      () => zombies('without'),
      (count) => count === 1,
      'a zombie',
    );
    await says('with', 'ready');
    await eventually(
      async () => (await fixture.ok('exec', 'with', 'ps', '-o', 'stat,args')).split('\n'),
      (lines) => !lines.some((line) => line.startsWith('Z') || line.endsWith(' sleep 0.05')),
      'the orphan ended, and no zombie of it',
    );
    expect((await fixture.ok('exec', 'with', 'cat', '/proc/1/cmdline')).split('\0')[0]).toBe('/sbin/docker-init');
  });

  it('passes signals on, and the exit code back', async () => {
    await run('passed', listening([10], [15]), '--init');
    await says('passed', 'ready');
    await fixture.ok('kill', '-s', 'USR1', 'passed');
    await says('passed', 'got 10');
    await fixture.ok('stop', 'passed');
    expect((await inspect('passed')).State.ExitCode).toBe(15);
  });
});

describe('out of memory', () => {
  it('is told of when the container ends by it, and when it goes on', async () => {
    const hog = 'tail /dev/zero; echo went on; exec sleep 600';
    await run('child', hog, '-m', '12m', '--memory-swap', '12m');
    await says('child', 'went on');
    const { State } = await eventually(
      () => inspect('child'),
      (container) => container.State.OOMKilled,
      'told of',
    );
    expect(State).toMatchObject({ Status: 'running', OOMKilled: true });
    await fixture.ok('rm', '-f', 'child');
    expect((await eventsOf('child')).filter((action) => action === 'oom')).toHaveLength(1);

    const first = await fixture.docker([
      ...['run', '--network', 'none', '--name', 'first', '-m', '12m', '--memory-swap', '12m'],
      ...[fixture.image, 'tail', '/dev/zero'],
    ]);
    expect(first.code).toBe(137);
    expect((await inspect('first')).State).toMatchObject({ OOMKilled: true, ExitCode: 137 });
    expect((await eventsOf('first')).filter((action) => /^(oom|die)$/.test(action))).toEqual(['oom', 'die']);
  });
});

describe('--rm', () => {
  it('removes what ended, and what never began', async () => {
    const idfile = join(fixture.engine.directory, 'id');
    const { code } = await fixture.docker([
      ...['run', '--rm', '--cidfile', idfile, '--network', 'none', fixture.image, 'sh', '-c', 'exit 4'],
    ]);
    expect(code).toBe(4);
    const id = readFileSync(idfile, 'utf8');
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect((await fixture.engine.request('GET', `/containers/${id}/json`)).status).toBe(404);
    expect(existsSync(join(fixture.engine.root, 'containers', id))).toBe(false);

    const failed = await fixture.docker(['run', '--rm', '--name', 'never', '-v', '/data', fixture.image, '/no/such']);
    expect(failed.code).toBe(127);
    expect((await fixture.engine.request('GET', '/containers/never/json')).status).toBe(404);
    expect(await fixture.ok('volume', 'ls', '-q')).toBe('');
    const both = await fixture.docker(['run', '--rm', '--restart', 'always', fixture.image, 'true']);
    expect(both.stderr).toContain('conflicting options: cannot specify both --restart and --rm');
  });
});

describe('a container whose conmon was killed', () => {
  const killMonitor = async (name: string) => {
    const { State } = await inspect(name);
    const status = await readFile(`/proc/${State.Pid}/status`, 'utf8');
    const monitor = Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]);
    expect((await readFile(`/proc/${monitor}/comm`, 'utf8')).trim()).toBe('conmon');
    process.kill(monitor, 'SIGKILL');
    await eventually(
      () => Promise.resolve(existsSync(`/proc/${monitor}/exe`)),
      (there) => !there,
      'conmon gone',
    );
    return State.Pid;
  };

  it('goes on, can be used and stopped, and starts again as ever', async () => {
    await run('orphan', 'echo ready; exec sleep 600');
    await says('orphan', 'ready');
    await killMonitor('orphan');
    expect((await inspect('orphan')).State.Status).toBe('running');
    expect(await fixture.ok('exec', 'orphan', 'echo', 'hello')).toBe('hello');
    expect(await fixture.ok('logs', 'orphan')).toBe('ready');
    const began = performance.now();
    await fixture.ok('kill', 'orphan');
    // the end is seen without conmon too, by looking every so often
    expect(performance.now() - began).toBeLessThan(15_000);
    expect((await inspect('orphan')).State).toMatchObject({ Status: 'exited', ExitCode: 137 });
    await fixture.ok('start', 'orphan');
    await eventually(
      () => fixture.ok('logs', 'orphan'),
      (log) => log === 'ready\nready',
      'runs again',
    );
    await fixture.ok('rm', '-f', 'orphan');
  });

  it('is found ended by an engine that starts later', async () => {
    await run('lost', 'exec sleep 600');
    const pid = await killMonitor('lost');
    await fixture.engine.kill();
    process.kill(pid, 'SIGTERM');
    process.kill(pid, 'SIGKILL');
    await fixture.engine.start();
    expect((await inspect('lost')).State).toMatchObject({ Status: 'exited', ExitCode: 255 });
    await fixture.ok('rm', 'lost');
  });
});
