import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';
import { malformed } from './testing/malformed.ts';

let fixture: DockerFixture;
let places: (path: string) => string;
beforeAll(async () => {
  fixture = await dockerFixture();
  await fixture.ok('run', '-d', '--name', 'malformed', fixture.image, 'sleep', '1000');
  const made = await fixture.engine.request('POST', '/containers/malformed/exec', { Cmd: ['true'] });
  const exec = (made.body as { Id: string }).Id;
  places = (text) => text.replaceAll('{c}', 'malformed').replaceAll('{e}', exec).replaceAll('{i}', fixture.image);
});
afterAll(() => fixture?.close());

const COUNT = 10_000;
const AT_ONCE = 16;
const PATIENCE = 10_000;

/** All that comes back until the engine closes, or the answer is whole; undefined when there is neither in time. */
function send(bytes: Buffer): Promise<string | undefined> {
  return new Promise((done) => {
    const chunks: Buffer[] = [];
    const socket = connect({ path: fixture.engine.socket, allowHalfOpen: true });
    const finish = (answer: string | undefined) => {
      clearTimeout(late);
      socket.destroy();
      done(answer);
    };
    const late = setTimeout(() => finish(undefined), PATIENCE);
    const text = () => Buffer.concat(chunks).toString('latin1');
    socket.on('data', (chunk) => chunks.push(chunk));
    for (const name of ['end', 'error', 'close'] as const) socket.on(name, () => finish(text()));
    socket.end(bytes);
  });
}

const { pid } = process;
const descriptors = () => readdirSync(`/proc/${fixture.engine.pid}/fd`).length;
const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${fixture.engine.pid}/status`, 'utf8'))?.[1]) / 1024;

test(`${COUNT} malformed requests are each refused, and cost nothing`, { timeout: 120_000 }, async () => {
  const { engine } = fixture;
  expect(pid).not.toBe(engine.pid);
  const enginePid = engine.pid;
  const wrong = new Map<string, { times: number; answer: string; request: string }>();
  const requests = malformed(20_251_124, COUNT, places);
  const one = async () => {
    for (const { kind, bytes } of requests) {
      const answer = await send(bytes);
      const status = answer === undefined ? NaN : answer === '' ? 0 : Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
      // 501 is what dockerd, too, says to what it does not do.
      if (status === 0 || (status >= 400 && status < 500) || status === 501) continue;
      const before = wrong.get(`${kind} ${status}`);
      wrong.set(`${kind} ${status}`, {
        times: (before?.times ?? 0) + 1,
        answer: (answer ?? 'no answer').slice(-300),
        request: bytes.toString('latin1').slice(0, 400),
      });
    }
  };
  // What is loaded on first use, and the first collections, are not growth.
  for (const { bytes } of malformed(7, 400, places)) await send(bytes);
  const [fds, memory] = [descriptors(), rss()];
  await Promise.all(Array.from({ length: AT_ONCE }, one));

  expect(Object.fromEntries(wrong)).toEqual({});
  expect(engine.pid).toBe(enginePid);
  expect((await engine.request('GET', '/_ping')).status).toBe(200);
  expect(await fixture.ok('ps', '-a', '--format', '{{.Names}} {{.State}}')).toBe('malformed running');
  await eventually(
    async () => Promise.resolve(descriptors()),
    (count) => count <= fds + 2,
    'descriptors are closed',
  );
  expect(rss() - memory).toBeLessThan(60);
});
