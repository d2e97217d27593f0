import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';
import { holdings } from './testing/leftovers.ts';

/** Five minutes is the real one: BERTH_SOAK_SECONDS=300, its figures written to the file BERTH_SOAK_FIGURES. */
const SECONDS = Number(process.env['BERTH_SOAK_SECONDS'] ?? 15);
const CLIENTS = 8;
const EACH = 25;

let fixture: DockerFixture;
const network = `10.245.${(process.pid % 125) * 2}`;
beforeAll(async () => {
  fixture = await dockerFixture();
  await fixture.ok('network', 'create', '--subnet', `${network}.0/23`, 'side');
}, 60_000);
afterAll(() => fixture?.close(), 60_000);

const failures: string[] = [];
let operations = 0;
/** One request; what is not answered as it should be is noted. */
async function ask(method: string, path: string, statuses: readonly number[], body?: unknown): Promise<unknown> {
  operations += 1;
  const answer = await fixture.engine
    .request(method, path, body)
    .catch((error: Error) => ({ status: 0, text: error.message, body: undefined }));
  if (!statuses.includes(answer.status)) failures.push(`${method} ${path}: ${answer.status} ${answer.text.trim()}`);
  return answer.body;
}

/** As different as users' are: networks, a published port, volumes, limits, an end by itself. */
function wishOf(number: number): object {
  const config = { Image: fixture.image, Cmd: ['sleep', '600'], StopSignal: 'SIGKILL' };
  switch (number % 5) {
    case 0:
      return { ...config, HostConfig: { NetworkMode: 'none', Memory: 32 << 20 } };
    case 1:
      return { ...config, HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } } };
    case 2:
      return { ...config, HostConfig: { NetworkMode: 'side' }, Volumes: { '/data': {} } };
    case 3:
      return { ...config, Cmd: ['sh', '-c', 'for i in $(seq 100); do echo line-$i; done'] };
    default:
      return { ...config, Tty: true, HostConfig: { PidsLimit: 20 } };
  }
}

/** One of the clients: all its containers at once come to be, run, end and go. */
async function round(client: number): Promise<void> {
  const numbers = Array.from({ length: EACH }, (_value, index) => client * EACH + index);
  const name = (number: number) => `soak-${number}`;
  for (const number of numbers) await ask('POST', `/containers/create?name=${name(number)}`, [201], wishOf(number));
  for (const number of numbers) await ask('POST', `/containers/${name(number)}/start`, [204]);
  for (const number of numbers.filter((one) => one % 5 === 4)) {
    const made = (await ask('POST', `/containers/${name(number)}/exec`, [201], { Cmd: ['true'] })) as { Id?: string };
    await ask('POST', `/exec/${made.Id}/start`, [200], { Detach: true });
  }
  await ask('GET', '/containers/json?all=1', [200]);
  for (const number of numbers) await ask('POST', `/containers/${name(number)}/stop?t=5`, [204, 304]);
  for (const number of numbers) await ask('DELETE', `/containers/${name(number)}?v=1`, [204]);
}

const inProc = (file: string) => readFileSync(`/proc/${fixture.engine.pid}/${file}`, 'utf8');
const descriptors = () => readdirSync(`/proc/${fixture.engine.pid}/fd`).length;
const residentMiB = () => Number(/RssAnon:\s+(\d+)/.exec(inProc('status'))?.[1]) / 1024;
/** What the engine holds once it has given back what it does not need, which it does when it has been quiet for two seconds. */
async function settledMiB(): Promise<number> {
  await new Promise((done) => setTimeout(done, 3_000));
  let least = residentMiB();
  for (let same = 0; same < 3; same += 1) {
    await new Promise((done) => setTimeout(done, 1_000));
    const now = residentMiB();
    if (now < least - 1) same = 0;
    least = Math.min(least, now);
  }
  return least;
}
const threads = () => readdirSync(`/proc/${fixture.engine.pid}/task`).length;
const children = () => inProc(`task/${fixture.engine.pid}/children`).trim().split(' ').filter(Boolean).length;

test(
  `${CLIENTS * EACH} containers of ${CLIENTS} clients, made, started, stopped and removed for ${SECONDS} s: no error, nothing left`,
  async () => {
    const all = () => Promise.all(Array.from({ length: CLIENTS }, (_value, client) => round(client)));
    // what is made once, and is no leak
    await Promise.all(Array.from({ length: CLIENTS }, (_value, client) => round(client)));
    const before = holdings(fixture.engine);
    const start = { rss: await settledMiB(), fds: descriptors(), threads: threads(), children: children() };
    operations = 0;
    const begun = Date.now();
    let rounds = 0;
    for (; Date.now() - begun < SECONDS * 1000 && failures.length === 0; rounds += 1) await all();
    const seconds = (Date.now() - begun) / 1000;

    expect(failures.slice(0, 10)).toEqual([]);
    const left = await eventually(
      async () => {
        const now = holdings(fixture.engine);
        return Promise.resolve([
          ...now.filter((line) => !before.includes(line)),
          ...(now.length > before.length ? [`${now.length - before.length} more of the same`] : []),
          ...(descriptors() > start.fds + 2 ? [`${descriptors()} descriptors instead of ${start.fds}`] : []),
          ...(children() > start.children ? [`${children()} child processes`] : []),
        ]);
      },
      (lines) => lines.length === 0,
      'what is left',
    );
    const end = { rss: await settledMiB(), fds: descriptors(), threads: threads(), children: children() };
    const figures = { seconds, rounds, containers: rounds * CLIENTS * EACH, operations, start, end, left: left.length };
    const file = process.env['BERTH_SOAK_FIGURES'];
    if (file) writeFileSync(file, JSON.stringify(figures));
    // What is kept on purpose is bounded: the last events, names of addresses that rest.
    expect(end.rss - start.rss, 'MiB').toBeLessThan(20);
    expect(end.threads).toBeLessThanOrEqual(start.threads + 4);
    expect(fixture.engine.log()).not.toMatch(/ error /);
  },
  (SECONDS * 2 + 120) * 1000,
);
