import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { REOPEN_LOGS, writeFifo } from '../../runtime/control-fifo.ts';
import { systemClock } from '../../system/clock.ts';
import { createLogs } from './create.ts';
import { LogGates } from './gate.ts';
import { keepWithinLimits } from './keep.ts';
import { limitsOf } from './limits.ts';
import { rotateIfNeeded } from './rotate.ts';
import { LogCollector, LogFixture } from './testing.ts';
import { trimLog } from './trim.ts';

const conmon = spawnSync('which', ['conmon'], { encoding: 'utf8' }).stdout.trim();
const LINES = 8_000;
const fixture = new LogFixture();
const reopenLog = (bundle: string) => writeFifo(bundle, 'ctl', REOPEN_LOGS);

/**
 * conmon with a stand-in for the OCI runtime: its "container" is a shell that writes numbered lines. The real conmon, its real pipes,
 * its real log and control FIFO; no image and no namespaces are needed for what is tested here.
 */
function startWriter(id: string): Promise<void> {
  const bundle = fixture.layout.bundle(id);
  mkdirSync(bundle, { recursive: true });
  for (const directory of [fixture.layout.exits, fixture.layout.runtimeState])
    mkdirSync(directory, { recursive: true });
  const runtime = join(bundle, 'runtime');
  const writer = `i=0; while [ $i -lt ${LINES} ]; do echo "line $i"; i=$((i+1)); [ $((i % 50)) = 0 ] && sleep 0.005; done`;
  writeFileSync(
    runtime,
    `#!/bin/sh\nfor last; do [ "$previous" = --pid-file ] && pidfile=$last; previous=$last; done\nsh -c '${writer}' &\nprintf %s $! > "$pidfile"\n`,
    { mode: 0o755 },
  );
  const child = spawn(
    conmon,
    [
      '--cid',
      id,
      '--cuuid',
      id,
      '--name',
      id,
      '--runtime',
      runtime,
      '--bundle',
      bundle,
      '--container-pidfile',
      join(bundle, 'pidfile'),
      '--conmon-pidfile',
      join(bundle, 'conmon.pid'),
      '--log-path',
      `k8s-file:${fixture.path(id)}`,
      '--exit-dir',
      fixture.layout.exits,
      '--socket-dir-path',
      fixture.layout.runtimeState,
    ],
    { stdio: 'ignore' },
  );
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('exit', (code) => (code === 0 ? done() : fail(new Error(`conmon: exit status ${code}`))));
  });
}

afterAll(() => fixture.remove());

const QUERY = {
  stdout: true,
  stderr: true,
  follow: false,
  timestamps: false,
  details: false,
  since: undefined,
  until: undefined,
  tail: undefined,
};
const withLog = (id: string, Type: string, Config: Record<string, string>) =>
  fixture.containers.add(id, { hostConfig: { LogConfig: { Type, Config } } });
const limitsOrFail = (id: string) => {
  const limits = limitsOf(fixture.containers.get(id));
  if (!limits) throw new Error('no limits');
  return limits;
};
const expected = Array.from({ length: LINES }, (_, index) => `1:line ${index}\n`);
const filesOf = (id: string) =>
  readdirSync(fixture.layout.container(id))
    .filter((name) => name.startsWith('container.log'))
    .sort();

test.skipIf(conmon === '').each(['plain', 'packed', 'single'])(
  'a log is rotated under a writing conmon, and a follower misses nothing: %s',
  async (kind) => {
    const files = kind === 'single' ? '1' : '1000';
    withLog(kind, 'json-file', { 'max-size': '40k', 'max-file': files, compress: String(kind === 'packed') });
    await startWriter(kind);
    const collector = new LogCollector();
    const gates = new LogGates();
    const logs = createLogs({ containers: fixture.containers, layout: fixture.layout, gates });
    // rotated by hand here, far more often
    logs.close();
    const { signal } = new AbortController();
    const followed = logs.open(kind, { ...QUERY, follow: true }).run(collector.write, signal);
    const limits = limitsOrFail(kind);
    const gate = gates.of(fixture.layout.containerLog(kind));
    const exited = join(fixture.layout.exits, kind);
    let rotations = 0;
    while (!existsSync(exited)) {
      const parts = { layout: fixture.layout, reopenLog };
      if (await rotateIfNeeded(parts, kind, limits, gate).catch(() => false)) rotations++;
      await new Promise((done) => setTimeout(done, 5));
    }
    fixture.containers.stop(kind);
    await followed;
    expect(rotations).toBeGreaterThan(3);
    expect(collector.frames).toEqual(expected);
    const again = new LogCollector();
    await logs.open(kind, QUERY).run(again.write, signal);
    expect(again.frames).toEqual(expected.slice(-again.frames.length));
    if (kind !== 'single') expect(again.frames).toHaveLength(LINES);
    if (kind !== 'packed') return;
    expect(filesOf(kind)).toContain('container.log.2.gz');
    expect(filesOf(kind)).not.toContain('container.log.2');
    expect(spawnSync('gzip', ['-t', `${fixture.layout.containerLog(kind)}.2.gz`]).status).toBe(0);
    const tail = new LogCollector();
    await logs.open(kind, { ...QUERY, tail: 6_000 }).run(tail.write, signal);
    expect(tail.frames).toEqual(expected.slice(-6_000));
  },
);

test.skipIf(conmon === '')('no more files stay than max-file says, and none much larger than max-size', async () => {
  const record = withLog('few', 'json-file', { 'max-size': '100k', 'max-file': '3' });
  await startWriter('few');
  const errors: unknown[] = [];
  const log = {
    info: () => undefined,
    warn: () => undefined,
    error: (message: string, cause: unknown) => errors.push(message, cause),
  };
  const { containers, layout } = fixture;
  const stop = keepWithinLimits({ containers, layout, gates: new LogGates(), clock: systemClock, log, reopenLog });
  while (!existsSync(join(layout.exits, 'few'))) await new Promise((done) => setTimeout(done, 20));
  containers.stop('few');
  stop();
  expect(filesOf('few')).toEqual(['container.log', 'container.log.1', 'container.log.2']);
  expect(statSync(layout.containerLog('few')).size).toBeLessThan(400_000);
  expect(errors).toEqual([]);
  expect(record.state.Running).toBe(false);
});

test('a log that outgrew its limit in a moment is cut when its container has ended, also under a reader', async () => {
  const record = withLog('burst', 'json-file', { 'max-size': '10k', 'max-file': '2' });
  fixture.append(
    'burst',
    Array.from({ length: 5000 }, (_, index) => `o:F:line ${index}`),
  );
  const gates = new LogGates();
  const logs = createLogs({ containers: fixture.containers, layout: fixture.layout, gates });
  logs.close();
  const collector = new LogCollector();
  const { signal } = new AbortController();
  const followed = logs.open('burst', { ...QUERY, follow: true }).run(collector.write, signal);
  await expect.poll(() => collector.frames.length).toBe(5000);
  await trimLog(fixture.layout, gates, record);
  fixture.containers.stop('burst');
  await followed;
  expect(collector.frames).toHaveLength(5000);
  expect(statSync(fixture.layout.containerLog('burst')).size).toBeLessThanOrEqual(20_000);
  const rest = new LogCollector();
  await logs.open('burst', QUERY).run(rest.write, signal);
  expect(rest.frames.length).toBeGreaterThan(200);
  expect(rest.frames).toEqual(expected.slice(5000 - rest.frames.length, 5000));
  expect(filesOf('burst')).toEqual(['container.log']);
});

test('a reader that does not keep up still gets the files that rotation takes away meanwhile', async () => {
  withLog('slow', 'json-file', { 'max-size': '1k', 'max-file': '1' });
  const path = fixture.path('slow');
  const gates = new LogGates();
  const logs = createLogs({ containers: fixture.containers, layout: fixture.layout, gates });
  logs.close();
  const limits = limitsOrFail('slow');
  let release: () => void = () => undefined;
  const collector = new LogCollector();
  const stalled = async (bytes: Uint8Array) => {
    const copy = Buffer.from(bytes);
    await new Promise<void>((done) => (release = done));
    await collector.write(copy);
  };
  fixture.append('slow', ['o:F:line 0']);
  const followed = logs.open('slow', { ...QUERY, follow: true }).run(stalled, new AbortController().signal);
  for (let round = 0; round < 10; round++) {
    fixture.append(
      'slow',
      Array.from({ length: 30 }, (_, index) => `o:F:line ${1 + round * 30 + index}`),
    );
    const reopened = () => Promise.resolve(appendFileSync(path, ''));
    const parts = { layout: fixture.layout, reopenLog: reopened };
    expect(await rotateIfNeeded(parts, 'slow', limits, gates.of(path))).toBe(true);
    expect(filesOf('slow')).toEqual(['container.log']);
  }
  fixture.containers.stop('slow');
  const drain = setInterval(() => release(), 1);
  await followed;
  clearInterval(drain);
  expect(collector.frames).toEqual(expected.slice(0, 301));
});

test('limits are read as Docker reads them', () => {
  const limits = (Type: string, Config: Record<string, string> = {}) =>
    limitsOf({ hostConfig: { LogConfig: { Type, Config } } });
  expect(limits('json-file')).toBeUndefined();
  expect(limits('json-file', { 'max-size': '1k' })).toEqual({ maxSize: 1000, maxFiles: 1, compress: false });
  expect(limits('json-file', { 'max-size': '1k', 'max-file': '3', compress: 'true' })).toEqual({
    maxSize: 1000,
    maxFiles: 3,
    compress: true,
  });
  expect(limits('local')).toEqual({ maxSize: 20 * 2 ** 20, maxFiles: 5, compress: true });
  expect(limits('local', { 'max-size': '5m', compress: 'false' })).toEqual({
    maxSize: 5_000_000,
    maxFiles: 5,
    compress: false,
  });
  expect(limits('none', { 'max-size': '1k' })).toBeUndefined();
});
