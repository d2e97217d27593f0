import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';
import type { ContainerInspect } from './api/container.ts';

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture();
}, 60_000);
afterAll(() => fixture?.close(), 60_000);

const COUNT = 20;
/** Writes lines in bursts of fifty, for some 1.5 to 5 s, then exits with a code of its own. */
const plans = Array.from({ length: COUNT }, (_value, index) => ({
  name: `writer-${index}`,
  lines: 3000 + ((index * 7919) % 7000),
  code: index * 3,
  restart: index % 5 === 4,
}));
const script = (lines: number, code: number) =>
  `i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo line-$i; [ $((i % 50)) = 0 ] && sleep 0.02; done; exit ${code}`;

const inspect = async (name: string) =>
  (await fixture.engine.request('GET', `/containers/${name}/json`)).body as ContainerInspect;
/** The lines, each with the time conmon took it. */
const logOf = async (name: string) =>
  (await fixture.ok('logs', '--timestamps', name)).split('\n').map((line) => {
    const [time = '', text] = line.split(' ');
    return { time: Date.parse(time), text };
  });

/** Short: whole logs are of no help in a message. */
function firstDifference(seen: readonly (string | undefined)[], wanted: readonly string[]): string {
  const at = wanted.findIndex((line, index) => seen[index] !== line);
  if (at < 0 && seen.length === wanted.length) return 'none';
  return `${seen.length} lines of ${wanted.length}; ${seen[at] ?? 'nothing'} instead of ${wanted[at] ?? 'the end'} after ${seen[at - 1] ?? 'nothing'}`;
}

test('no line of twenty containers is lost or doubled by kills of the engine, and each end is told with its code and time', async () => {
  const { engine, ok, image } = fixture;
  await Promise.all(
    plans.map(({ name, lines, code, restart }) =>
      ok(
        ...['run', '-d', '--name', name, '--network', 'none', '--log-opt', 'max-size=60k', '--log-opt', 'max-file=50'],
        ...(restart ? ['--restart', 'on-failure:1'] : []),
        ...[image, 'sh', '-c', script(lines, code)],
      ),
    ),
  );
  const started = new Map<string, string>();
  for (const { name } of plans) started.set(name, (await inspect(name)).State.StartedAt);
  const restarts: number[] = [];
  for (const [up, down] of [
    [100, 700],
    [400, 1500],
    [0, 300],
    [700, 200],
  ] as const) {
    await sleep(up);
    await engine.kill();
    await sleep(down);
    await engine.start();
    restarts.push(Date.now());
  }
  for (const { name, lines, code, restart } of plans) {
    const { State, RestartCount } = await eventually(
      () => inspect(name),
      (seen) => seen.State.Status === 'exited' && (!restart || seen.RestartCount === 1),
      `the end of ${name}`,
      30_000,
    );
    expect(State, name).toMatchObject({ ExitCode: code, Pid: 0, Error: '', OOMKilled: false });
    expect(RestartCount).toBe(restart ? 1 : 0);
    if (!restart) expect(State.StartedAt).toBe(started.get(name));
    const log = await logOf(name);
    const wanted = Array.from({ length: lines }, (_value, index) => `line-${index + 1}`);
    expect(
      firstDifference(
        log.map(({ text }) => text),
        restart ? [...wanted, ...wanted] : wanted,
      ),
      name,
    ).toBe('none');
    // the time of the end, not of when the next engine saw it
    const late = Date.parse(State.FinishedAt) - (log.at(-1)?.time ?? 0);
    expect(late, `${name} ended ${late} ms after its last line`).toBeLessThan(1000);
    expect(late).toBeGreaterThan(-50);
  }
  // some did end while there was no engine
  expect(restarts).toHaveLength(4);
  expect(engine.log()).not.toMatch(/ error |quarantine/);
}, 90_000);
