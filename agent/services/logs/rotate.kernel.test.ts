import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REOPEN_LOGS, writeFifo } from '../../runtime/control-fifo.ts';
import { systemClock } from '../../system/clock.ts';
import { createLogs } from './create.ts';
import { limitsOf, parseSize, rotateIfNeeded, startLogRotation } from './rotate.ts';
import { LogCollector, LogFixture } from './testing.ts';

const conmon = spawnSync('which', ['conmon'], { encoding: 'utf8' }).stdout.trim();
const LINES = 20_000;
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

let exited: string;
beforeAll(() => {
  fixture.containers.add('w', {
    hostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-size': '40k', 'max-file': '1000' } } },
  });
  exited = join(fixture.layout.exits, 'w');
});
afterAll(() => fixture.remove());

test.skipIf(conmon === '')('a log is rotated under a writing conmon, and a follower misses nothing', async () => {
  await startWriter('w');
  const collector = new LogCollector();
  const logs = createLogs({ containers: fixture.containers, layout: fixture.layout });
  // rotated by hand here, far more often
  logs.close();
  const query = {
    stdout: true,
    stderr: true,
    timestamps: false,
    details: false,
    since: undefined,
    until: undefined,
    tail: undefined,
  };
  const followed = logs.open('w', { ...query, follow: true }).run(collector.write, new AbortController().signal);
  const limits = limitsOf(fixture.containers.get('w'));
  if (!limits) throw new Error('no limits');
  let rotations = 0;
  while (!existsSync(exited)) {
    if (await rotateIfNeeded({ layout: fixture.layout, reopenLog }, 'w', limits).catch(() => false)) rotations++;
    await new Promise((done) => setTimeout(done, 10));
  }
  fixture.containers.stop('w');
  await followed;
  const expected = Array.from({ length: LINES }, (_, index) => `1:line ${index}\n`);
  expect(rotations).toBeGreaterThan(3);
  expect(collector.frames).toEqual(expected);
  const again = new LogCollector();
  await logs.open('w', { ...query, follow: false }).run(again.write, new AbortController().signal);
  expect(again.frames).toEqual(expected);
});

test.skipIf(conmon === '')('no more files stay than max-file says', async () => {
  const record = fixture.containers.add('few', {
    hostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-size': '20k', 'max-file': '3' } } },
  });
  await startWriter('few');
  // a quick clock: a round each 20 ms instead of each second
  const clock = { ...systemClock, setTimeout: (run: () => void) => systemClock.setTimeout(run, 20) };
  const errors: unknown[] = [];
  const log = {
    info: () => undefined,
    warn: () => undefined,
    error: (message: string, cause: unknown) => errors.push(message, cause),
  };
  const stop = startLogRotation({ containers: fixture.containers, layout: fixture.layout, clock, log, reopenLog });
  while (!existsSync(join(fixture.layout.exits, 'few'))) await new Promise((done) => setTimeout(done, 20));
  fixture.containers.stop('few');
  stop();
  const files = readdirSync(fixture.layout.container('few')).filter((name) => name.startsWith('container.log'));
  expect(files.sort()).toEqual(['container.log', 'container.log.1', 'container.log.2']);
  expect(statSync(fixture.layout.containerLog('few')).size).toBeLessThan(400_000);
  expect(errors).toEqual([]);
  expect(record.state.Running).toBe(false);
});

test('limits are read as Docker reads them', () => {
  expect(parseSize('10m')).toBe(10 * 2 ** 20);
  expect(parseSize('1.5kb')).toBe(1536);
  expect(parseSize('many')).toBeUndefined();
  const limits = (Config: Record<string, string>) =>
    limitsOf({ hostConfig: { LogConfig: { Type: 'json-file', Config } } });
  expect(limits({})).toBeUndefined();
  expect(limits({ 'max-size': '1k' })).toEqual({ maxSize: 1024, maxFiles: 1 });
  expect(limits({ 'max-size': '1k', 'max-file': '3' })).toEqual({ maxSize: 1024, maxFiles: 3 });
});
