import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerInspect } from './api/container.ts';
import type { EventMessage } from './api/system.ts';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture();
}, 60_000);
afterAll(() => fixture?.close(), 60_000);

const run = (name: string, policy: string, script: string, ...options: string[]) =>
  fixture.ok(
    ...['run', '-d', '--network', 'none', '--name', name, '--restart', policy, ...options],
    ...[fixture.image, 'sh', '-c', script],
  );
const inspect = async (name: string) =>
  (await fixture.engine.request('GET', `/containers/${name}/json`)).body as ContainerInspect;
const reaches = (name: string, holds: (container: ContainerInspect) => boolean, what: string) =>
  eventually(() => inspect(name), holds, `${name}: ${what}`);
/** The script has said so often that it is ready, once in each run. */
const ready = (name: string, runs: number) =>
  eventually(
    () => fixture.ok('logs', name),
    (text) => text.split('\n').filter((line) => line === 'ready').length === runs,
    `${name}: ready`,
  );
const events = async (name: string): Promise<EventMessage[]> => {
  const now = String(Date.now() / 1000);
  const text = await fixture.ok(
    ...['events', '--since', '1', '--until', now, '--filter', `container=${name}`, '--format', '{{json .}}'],
  );
  return text.split('\n').map((line) => JSON.parse(line) as EventMessage);
};

describe('always', () => {
  it('restarts after delays that double from 100 ms, and counts', async () => {
    await run('flapping', 'always', 'exit 3');
    await reaches('flapping', ({ RestartCount }) => RestartCount >= 4, 'four restarts');
    const waiting = await reaches('flapping', ({ State }) => State.Status === 'restarting', 'waits');
    expect(waiting.State).toMatchObject({ Running: true, Restarting: true, ExitCode: 3, Pid: 0 });
    expect(await fixture.ok('ps', '--filter', 'status=restarting', '--format', '{{.Names}} {{.Status}}')).toMatch(
      /^flapping Restarting \(3\) .* ago$/,
    );
    const told = (await events('flapping')).filter(({ Action }) => Action === 'start' || Action === 'die');
    const delays = told.flatMap(({ Action, timeNano }, at) =>
      Action === 'start' && at > 0 ? [(timeNano - (told[at - 1] as EventMessage).timeNano) / 1e6] : [],
    );
    for (const [at, delay] of delays.entries()) {
      // A start itself takes some time, and more on a busy machine: only the lower bound is sharp.
      expect(delay).toBeGreaterThan(95 * 2 ** at);
      expect(delay).toBeLessThan(100 * 2 ** at + 3000);
    }
    // The user says stop: that is the end of it.
    await fixture.ok('stop', 'flapping');
    const { State, RestartCount } = await inspect('flapping');
    expect(State).toMatchObject({ Status: 'exited', Running: false, Restarting: false, ExitCode: 3 });
    await new Promise((done) => setTimeout(done, 100 * 2 ** RestartCount > 1000 ? 300 : 100));
    expect((await inspect('flapping')).State.Status).toBe('exited');
  });

  it('tells each exit to those who wait for it, and lets a kill end the waiting', async () => {
    await run('waited', 'always', 'sleep 0.3; exit 5');
    expect(await fixture.ok('wait', 'waited')).toBe('5');
    await reaches('waited', ({ RestartCount }) => RestartCount > 0, 'restarted');
    await reaches('waited', ({ State }) => State.Restarting, 'waits again');
    expect((await fixture.docker(['kill', 'waited'])).code).toBe(0);
    expect((await inspect('waited')).State).toMatchObject({ Status: 'exited', Restarting: false });
  });

  it('gives up on what cannot be started again, and says why', async () => {
    await run('broken', 'always', 'rm /bin/sh; exit 1');
    const { State } = await reaches('broken', (it) => it.State.Status === 'exited', 'given up');
    expect(State).toMatchObject({ ExitCode: 127 });
    expect(State.Error).toContain('exec: "sh": executable file not found in $PATH');
  });
});

describe('on-failure', () => {
  it('stops after so many restarts, and at once when there was no failure', async () => {
    await run('twice', 'on-failure:2', 'exit 9');
    await run('content', 'on-failure', 'exit 0');
    const { RestartCount, State } = await reaches('twice', (it) => it.State.Status === 'exited', 'given up');
    expect({ RestartCount, code: State.ExitCode }).toEqual({ RestartCount: 2, code: 9 });
    expect(await inspect('content')).toMatchObject({ RestartCount: 0, State: { Status: 'exited', ExitCode: 0 } });
    // A start by the user counts anew.
    await fixture.ok('start', 'twice');
    expect((await inspect('twice')).RestartCount).toBeLessThan(2);
  });
});

describe('what the user does', () => {
  it('kill with a signal that does not end it leaves the policy as it is', async () => {
    await run(
      'poked',
      'always',
      'trap "exit 4" USR2; trap : USR1; echo ready; while :; do sleep 0.02; done',
      '--stop-signal',
      'TERM',
    );
    await ready('poked', 1);
    await fixture.ok('kill', '-s', 'USR1', 'poked');
    await fixture.ok('kill', '-s', 'USR2', 'poked');
    await reaches('poked', ({ RestartCount, State }) => RestartCount === 1 && State.Pid > 0, 'restarted');
    await fixture.ok('kill', 'poked');
    expect((await inspect('poked')).State).toMatchObject({ Status: 'exited', ExitCode: 137 });
  });

  it('update changes the policy of a running container', async () => {
    await run('changed', 'no', 'trap "exit 6" USR1; echo ready; while :; do sleep 0.02; done', '--stop-signal', 'TERM');
    await ready('changed', 1);
    await fixture.ok('update', '--restart', 'on-failure:5', 'changed');
    expect((await inspect('changed')).HostConfig.RestartPolicy).toEqual({ Name: 'on-failure', MaximumRetryCount: 5 });
    await fixture.ok('kill', '-s', 'USR1', 'changed');
    await reaches('changed', ({ RestartCount, State }) => RestartCount === 1 && State.Pid > 0, 'restarted');
    await ready('changed', 2);
    await fixture.ok('update', '--restart', 'no', 'changed');
    await fixture.ok('kill', '-s', 'USR1', 'changed');
    await reaches('changed', ({ State }) => State.Status === 'exited' && State.ExitCode === 6, 'left alone');
  });

  it('restart starts what is stopped, what runs, and what waits to be restarted', async () => {
    await run('again', 'always', 'echo run; test -e /calm && exec sleep 600; touch /calm; exit 1');
    const first = await reaches('again', ({ State }) => State.Pid > 0 && State.ExitCode === 0, 'runs');
    await reaches('again', ({ RestartCount, State }) => RestartCount === 1 && State.Pid > 0, 'calm');
    await fixture.ok('restart', '-t', '0', 'again');
    const second = await inspect('again');
    expect(second).toMatchObject({ RestartCount: 0, State: { Status: 'running' } });
    expect(second.State.StartedAt > first.State.StartedAt).toBe(true);
    await fixture.ok('rm', '-f', 'again');
  });

  it.each([
    ['always', 3, "invalid restart policy: maximum retry count can only be used with 'on-failure'"],
    ['no', 3, "invalid restart policy: maximum retry count can only be used with 'on-failure'"],
    [
      'unless-stopped',
      -1,
      "invalid restart policy: maximum retry count can only be used with 'on-failure' and cannot be negative",
    ],
    ['on-failure', -1, 'invalid restart policy: maximum retry count cannot be negative'],
    [
      'sometimes',
      0,
      "invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
    ],
  ])('%s with %i retries is refused as dockerd does', async (Name, MaximumRetryCount, message) => {
    const answer = await fixture.engine.request('POST', '/containers/create', {
      Image: fixture.image,
      HostConfig: { RestartPolicy: { Name, MaximumRetryCount } },
    });
    expect(answer).toMatchObject({ status: 400, body: { message } });
  });
});
