import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerInspect } from './api/container.ts';
import { dockerFixture, type DockerFixture } from './docker-cli-fixture.ts';
import { startTestEngine } from './testing/engine.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture({
    config: { 'log-driver': 'json-file', 'log-opts': { 'max-size': '40k', 'max-file': '3', labels: 'tier' } },
  });
}, 60_000);
afterAll(() => fixture?.close(), 60_000);

const LINES = 12_000;
const numbers = Array.from({ length: LINES }, (_, index) => `line ${index + 1}`);
/** Numbered lines with a short rest now and then, so that rotation happens while they are written. */
const COUNT = `i=0; while [ $i -lt ${LINES} ]; do i=$((i+1)); echo line $i; [ $((i % 500)) = 0 ] && sleep 0.02; done`;
const run = (name: string, script: string, ...options: string[]) =>
  fixture.ok('run', '-d', '--network', 'none', '--name', name, ...options, fixture.image, 'sh', '-c', script);
const inspect = async (name: string) =>
  (await fixture.engine.request('GET', `/containers/${name}/json`)).body as ContainerInspect;
const filesOf = async (name: string) => {
  const directory = join(fixture.engine.root, 'containers', (await inspect(name)).Id);
  return readdirSync(directory)
    .filter((file) => file.startsWith('container.log'))
    .sort()
    .map((file) => ({ file, size: statSync(join(directory, file)).size }));
};

describe('rotation', () => {
  it.each([
    ['plain', []],
    ['packed', ['--log-opt', 'compress=true']],
    ['local', ['--log-driver', 'local', '--log-opt', 'max-size=40k', '--log-opt', 'max-file=3']],
  ])('%s: who follows gets every line once, and what stays is within the limits', async (name, options) => {
    await run(name, `sleep 0.3; ${COUNT}`, ...options);
    const followed = (await fixture.ok('logs', '-f', name)).split('\n');
    expect(followed).toEqual(numbers);
    const files = await filesOf(name);
    expect(files.length).toBeGreaterThan(1);
    expect(files.length).toBeLessThanOrEqual(3);
    expect(files.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(400_000);
    expect(files.some(({ file }) => file.endsWith('.gz'))).toBe(name !== 'plain');
    const rest = (await fixture.ok('logs', name)).split('\n');
    expect(rest.length).toBeLessThan(LINES);
    expect(rest).toEqual(numbers.slice(-rest.length));
    expect((await fixture.ok('logs', '--tail', '1500', name)).split('\n')).toEqual(rest.slice(-1500));
    // A moment in the middle of what stays.
    const stamped = (await fixture.ok('logs', '-t', name)).split('\n');
    const [moment = '', ...words] = (stamped[Math.floor(stamped.length / 2)] ?? '').split(' ');
    // conmon gives all lines of one read the same time
    const last = stamped.findLast((line) => line.startsWith(`${moment} `)) ?? '';
    const until = (await fixture.ok('logs', '--until', moment, name)).split('\n');
    expect(until.at(-1)).toBe(last.slice(moment.length + 1));
    const since = (await fixture.ok('logs', '--since', moment, name)).split('\n');
    expect(rest.slice(-since.length)).toEqual(since);
    expect(since).toContain(words.join(' '));
  });

  it('cuts what was written faster than anyone could look', async () => {
    const name = 'burst';
    await run(name, `yes "a line that is said again and again" | head -n 40000; echo the end`);
    expect(await fixture.ok('wait', name)).toBe('0');
    const total = (await filesOf(name)).reduce((sum, { size }) => sum + size, 0);
    expect(total).toBeLessThanOrEqual(160_000);
    const log = (await fixture.ok('logs', name)).split('\n');
    expect(log.at(-1)).toBe('the end');
    expect(log.length).toBeGreaterThan(500);
    // It goes on where it was.
    await fixture.ok('start', name);
    await fixture.ok('wait', name);
    expect(await fixture.ok('logs', '--tail', '1', name)).toBe('the end');
  });
});

describe('drivers and options', () => {
  it("come from the engine's configuration, where the user says nothing of the driver", async () => {
    await run('default', 'true');
    expect((await inspect('default')).HostConfig.LogConfig).toEqual({
      Type: 'json-file',
      Config: { 'max-size': '40k', 'max-file': '3', labels: 'tier' },
    });
    await run('other', 'echo said', '--log-driver', 'local');
    expect((await inspect('other')).HostConfig.LogConfig).toEqual({ Type: 'local', Config: {} });
    await fixture.ok('wait', 'other');
    expect(await fixture.ok('logs', 'other')).toBe('said');
  });

  it('none keeps nothing, and says so', async () => {
    const { stdout } = await fixture.docker([
      ...['run', '--name', 'nothing', '--network', 'none', '--log-driver', 'none'],
      ...[fixture.image, 'echo', 'seen by who is attached'],
    ]);
    expect(stdout).toBe('seen by who is attached');
    const { code, stderr } = await fixture.docker(['logs', 'nothing']);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'Error response from daemon: configured logging driver does not support reading',
    });
    expect(await filesOf('nothing')).toEqual([]);
  });

  it('labels, variables and the tag stand before each line with --details', async () => {
    await run(
      ...(['described', 'echo said', '--label', 'tier=web', '--label', 'other=1', '-e', 'REGION=eu west'] as const),
      ...['--log-opt', 'env=REGION', '--log-opt', 'tag={{.Name}}'],
    );
    await fixture.ok('wait', 'described');
    expect(await fixture.ok('logs', '--details', 'described')).toBe('REGION=eu+west,tag=described,tier=web said');
  });

  it('what is not there is refused with the reason, also by an engine that is configured so', async () => {
    const { code, stderr } = await fixture.docker(['run', '--log-driver', 'syslog', fixture.image, 'true']);
    expect(code).toBe(125);
    expect(stderr).toContain("logger: no log driver named 'syslog' is registered");
    await expect(
      startTestEngine({ config: { 'log-driver': 'json-file', 'log-opts': { foo: '1' } }, env: { BERTH_SOURCE: '1' } }),
    ).rejects.toThrow("failed to set log opts: unknown log opt 'foo' for json-file log driver");
  });
});
