import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerInspect, HealthState } from './api/container.ts';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture();
}, 60_000);
afterAll(() => fixture?.close(), 60_000);

const FAST = ['--health-interval', '100ms', '--health-timeout', '5s'];

const run = (name: string, ...options: string[]) =>
  fixture.ok('run', '-d', '--init', '--network', 'none', '--name', name, ...options, fixture.image, 'sleep', '600');
const inspect = async (name: string) =>
  (await fixture.engine.request('GET', `/containers/${name}/json`)).body as ContainerInspect;
const health = async (name: string): Promise<HealthState | undefined> => (await inspect(name)).State.Health;
const becomes = (name: string, status: HealthState['Status'], more: (state: HealthState) => boolean = () => true) =>
  eventually(
    () => health(name),
    (state) => state?.Status === status && more(state),
    `${name} ${status}`,
  ) as Promise<HealthState>;
/** Processes of the container whose command line has `text`. */
const processes = async (name: string, text: string) =>
  (await fixture.ok('top', name, '-eo', 'pid,args')).split('\n').filter((line) => line.includes(text));

describe('a container with a health command', () => {
  it('is starting, then healthy, unhealthy when the command fails, and healthy again; clients see it everywhere', async () => {
    const since = String(Date.now() / 1000);
    await run('states', ...FAST, '--health-retries', '2', '--health-cmd', 'echo looked; test -e /ok');
    expect(await health('states')).toMatchObject({ Status: 'starting', FailingStreak: 0 });
    expect(await fixture.ok('ps', '--filter', 'health=starting', '--format', '{{.Names}} {{.Status}}')).toMatch(
      /^states Up .* \(health: starting\)$/,
    );
    const ill = await becomes('states', 'unhealthy');
    expect(ill.FailingStreak).toBeGreaterThanOrEqual(2);
    expect(ill.Log[0]).toMatchObject({ ExitCode: 1, Output: 'looked\n' });
    expect(Date.parse(ill.Log[0]?.End ?? '')).toBeGreaterThanOrEqual(Date.parse(ill.Log[0]?.Start ?? ''));
    await fixture.ok('exec', 'states', 'touch', '/ok');
    await becomes('states', 'healthy', ({ FailingStreak }) => FailingStreak === 0);
    expect(await fixture.ok('ps', '--filter', 'health=healthy', '--format', '{{.Status}}')).toMatch(/\(healthy\)$/);
    await fixture.ok('exec', 'states', 'rm', '/ok');
    await becomes('states', 'unhealthy');

    const until = String(Date.now() / 1000);
    const events = await fixture.ok(
      ...['events', '--since', since, '--until', until, '--filter', 'container=states', '--format', '{{.Action}}'],
    );
    expect(events.split('\n').filter((action) => action.startsWith('health_status'))).toEqual([
      'health_status: unhealthy',
      'health_status: healthy',
      'health_status: unhealthy',
    ]);
    // What dockerd says of each probe, in this order.
    const [create, start, die] = events.split('\n').filter((action) => action.startsWith('exec_'));
    expect([create, start, die]).toEqual([
      'exec_create: /bin/sh -c echo looked; test -e /ok',
      'exec_start: /bin/sh -c echo looked; test -e /ok',
      'exec_die',
    ]);
  });

  it('keeps the last five results, 4096 bytes of each', async () => {
    await run('logged', ...FAST, '--health-cmd', 'head -c 5000 /dev/zero | tr "\\0" x; date +%s%N >> /n');
    const state = await becomes('logged', 'healthy', ({ Log }) => Log.length === 5);
    for (const { Output, ExitCode } of state.Log) {
      expect(Output).toBe(`${'x'.repeat(4096)}...`);
      expect(ExitCode).toBe(0);
    }
    const later = await becomes('logged', 'healthy', ({ Log }) => Log[4]?.Start !== state.Log[4]?.Start);
    expect(later.Log).toHaveLength(5);
  });

  it('ends a probe that takes too long, with its children, and says so', async () => {
    await run(
      ...['slow', '--health-interval', '50ms', '--health-timeout', '300ms', '--health-retries', '1'],
      ...['--health-cmd', 'echo begun; sleep 7777 & wait'],
    );
    const state = await becomes('slow', 'unhealthy');
    expect(state.Log[0]).toMatchObject({
      ExitCode: -1,
      Output: 'Health check exceeded timeout (300ms): begun\n',
    });
    await fixture.ok('pause', 'slow');
    // One may be under way; those before are gone.
    expect((await processes('slow', 'sleep 7777')).length).toBeLessThanOrEqual(2);
    await fixture.ok('unpause', 'slow');
  });

  it('tells of a command that cannot be run', async () => {
    const created = await fixture.engine.request('POST', '/containers/create?name=missing', {
      Image: fixture.image,
      Cmd: ['sleep', '600'],
      HostConfig: { NetworkMode: 'none' },
      Healthcheck: { Test: ['CMD', '/no/such/program'], Interval: 50_000_000, Retries: 1 },
    });
    expect(created.status).toBe(201);
    await fixture.ok('start', 'missing');
    const state = await becomes('missing', 'unhealthy');
    expect(state.Log[0]).toMatchObject({ ExitCode: -1 });
    expect(state.Log[0]?.Output).toContain('/no/such/program');
  });

  it('counts no failure while it starts, and looks at the start interval then', async () => {
    await run(
      ...['patient', '--health-interval', '10m', '--health-start-period', '10m', '--health-start-interval', '50ms'],
      ...['--health-retries', '1', '--health-cmd', 'test -e /ok'],
    );
    const state = await becomes('patient', 'starting', ({ Log }) => Log.length >= 3);
    expect(state.FailingStreak).toBe(0);
    await fixture.ok('exec', 'patient', 'touch', '/ok');
    await becomes('patient', 'healthy');
  });

  it('is left alone while it is paused, and after it ended', async () => {
    await run('paused', ...FAST, '--health-cmd', 'true');
    await becomes('paused', 'healthy');
    await fixture.ok('pause', 'paused');
    const frozen = await health('paused');
    // As dockerd has it: nobody looks, so it is not known to be well.
    expect(frozen?.Status).toBe('unhealthy');
    await new Promise((done) => setTimeout(done, 400));
    expect(await health('paused')).toEqual(frozen);
    await fixture.ok('unpause', 'paused');
    await becomes('paused', 'healthy', ({ Log }) => Log.at(-1)?.Start !== frozen?.Log.at(-1)?.Start);
    await fixture.ok('kill', 'paused');
    expect((await health('paused'))?.Status).toBe('unhealthy');
  });

  it('is looked after again after the engine was killed, and what that left running is ended', async () => {
    await run('kept', '--health-interval', '50ms', '--health-cmd', 'test ! -e /hang || { rm /hang; sleep 8888; }');
    await becomes('kept', 'healthy');
    await fixture.ok('exec', 'kept', 'touch', '/hang');
    await eventually(
      () => processes('kept', 'sleep 8888'),
      (found) => found.length > 0,
      'a probe that hangs',
    );
    await fixture.engine.kill();
    await fixture.engine.start();
    const before = await health('kept');
    expect(before?.Status).toBe('healthy');
    expect(await processes('kept', 'sleep 8888')).toEqual([]);
    await becomes('kept', 'healthy', ({ Log }) => Log.at(-1)?.Start !== before?.Log.at(-1)?.Start);
  });
});

describe('where the health command comes from', () => {
  it('is the image, with what the user says instead of it, unless he wants none', async () => {
    const image = await fixture.imageWith('checked', {
      Cmd: ['sleep', '600'],
      Healthcheck: { Test: ['CMD', 'test', '-e', '/etc/passwd'], Interval: 50_000_000, Retries: 7 },
    });
    const start = (name: string, ...options: string[]) =>
      fixture.ok('run', '-d', '--init', '--network', 'none', '--name', name, ...options, image);
    await start('from-image');
    await becomes('from-image', 'healthy');
    await start('overridden', '--health-retries', '2', '--health-interval', '60ms');
    expect((await inspect('overridden')).Config.Healthcheck).toEqual({
      Test: ['CMD', 'test', '-e', '/etc/passwd'],
      Interval: 60_000_000,
      Retries: 2,
    });
    await start('none', '--no-healthcheck');
    expect((await inspect('none')).State.Health).toBeUndefined();
    expect(await fixture.ok('ps', '--filter', 'health=none', '--format', '{{.Names}}')).toBe('none');
  });

  it.each([
    [{ Interval: 1000 }, 'Interval in Healthcheck cannot be less than 1ms'],
    [{ Timeout: 1000 }, 'Timeout in Healthcheck cannot be less than 1ms'],
    [{ StartPeriod: 1000 }, 'StartPeriod in Healthcheck cannot be less than 1ms'],
    [{ StartInterval: 1000 }, 'StartInterval in Healthcheck cannot be less than 1ms'],
    [{ Retries: -1 }, 'Retries in Healthcheck cannot be negative'],
  ])('%j is refused as dockerd does', async (Healthcheck, message) => {
    const answer = await fixture.engine.request('POST', '/containers/create', { Image: fixture.image, Healthcheck });
    expect(answer).toMatchObject({ status: 400, body: { message } });
  });
});
