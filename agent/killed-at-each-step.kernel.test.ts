import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { holdings, rememberContainers } from './testing/leftovers.ts';

const PRELOAD = fileURLToPath(new URL('testing/step-killer.ts', import.meta.url));
const steps = mkdtempSync(join(tmpdir(), 'berth-steps-'));
const limitFile = join(steps, 'limit');
const traceFile = join(steps, 'trace');

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture({
    env: { NODE_OPTIONS: `--import=${PRELOAD}`, BERTH_STEP_LIMIT: limitFile, BERTH_STEP_TRACE: traceFile },
  });
  // what is made once and stays is made now
  await fixture.ok('network', 'create', 'first');
  await fixture.ok('run', '--rm', '--network', 'first', fixture.image, 'true');
  await fixture.ok('run', '--rm', fixture.image, 'true');
}, 60_000);
afterAll(async () => {
  disarm();
  await fixture?.close();
  rmSync(steps, { recursive: true, force: true });
});

function arm(limit: number): void {
  rmSync(traceFile, { force: true });
  writeFileSync(limitFile, String(limit));
}
const disarm = () => rmSync(limitFile, { force: true });
const trace = () => (existsSync(traceFile) ? readFileSync(traceFile, 'utf8').split('\n').filter(Boolean) : []);

interface Operation {
  name: string;
  /** what has to be there before */
  prepare?: () => Promise<unknown>;
  /** exit code 0: the client was told that it is done */
  act: () => Promise<{ code: number }>;
  /** after the restart; `told` is whether the client was told of success. Throws when something told is lost. */
  check: (told: boolean) => Promise<unknown>;
  /** removes what was made */
  clean: () => Promise<unknown>;
}

const state = async (name: string) =>
  (await fixture.docker(['inspect', '-f', '{{.State.Status}}', name])).stdout || undefined;

function operations(): Operation[] {
  const { docker, ok, image, engine } = fixture;
  const remove = () => docker(['rm', '-f', '-v', 'victim']);
  const networksOf = async () =>
    (await ok('inspect', '-f', '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}', 'victim')).split(' ');
  const interfaces = async () =>
    (await ok('exec', 'victim', 'ip', '-o', '-4', 'addr')).split('\n').filter((line) => line.includes('eth'));
  const run = (...more: string[]) => ok('run', '-d', '--name', 'victim', ...more, image, 'sleep', '300');
  return [
    {
      name: 'pull',
      prepare: () => ok('rmi', '-f', image),
      act: () => docker(['pull', '-q', image]),
      check: async (told) => {
        const listed = (await ok('images', '-q', image)) !== '';
        if (told) expect(listed).toBe(true);
        // half an image must not be seen
        if (listed) await ok('run', '--rm', '--network', 'none', image, 'true');
        await ok('pull', '-q', image);
      },
      clean: () => Promise.resolve(),
    },
    {
      name: 'create',
      act: () => docker(['create', '--name', 'victim', '-v', '/data', image, 'true']),
      check: async (told) => {
        const found = await state('victim');
        if (told) expect(found).toBe('created');
        if (found === undefined) await ok('create', '--name', 'victim', '-v', '/data', image, 'true');
        await ok('start', '-a', 'victim');
      },
      clean: remove,
    },
    {
      name: 'start',
      prepare: () => ok('create', '--name', 'victim', '-p', '127.0.0.1::80', image, 'sleep', '300'),
      act: () => docker(['start', 'victim']),
      check: async (told) => {
        if (told) expect(await state('victim')).toBe('running');
        await ok('start', 'victim');
        expect(await ok('exec', 'victim', 'echo', 'in')).toBe('in');
      },
      clean: remove,
    },
    {
      name: 'exec',
      prepare: () => run('--network', 'none'),
      act: () => docker(['exec', 'victim', 'touch', '/made']),
      check: async (told) => {
        expect(await state('victim')).toBe('running');
        if (told) await ok('exec', 'victim', 'test', '-e', '/made');
        expect(await ok('exec', 'victim', 'echo', 'again')).toBe('again');
      },
      clean: remove,
    },
    {
      name: 'stop',
      prepare: () => run(),
      act: () => docker(['stop', '-t', '0', 'victim']),
      check: async (told) => {
        if (told) expect(await state('victim')).toBe('exited');
        await ok('stop', '-t', '0', 'victim');
        expect(await ok('inspect', '-f', '{{.State.ExitCode}}', 'victim')).toBe('137');
        await ok('start', 'victim');
      },
      clean: remove,
    },
    {
      name: 'remove',
      prepare: () => run('-v', '/data'),
      act: () => docker(['rm', '-f', '-v', 'victim']),
      check: async (told) => {
        if (told) expect(await state('victim')).toBeUndefined();
        await docker(['rm', '-f', '-v', 'victim']);
        expect(await state('victim')).toBeUndefined();
        await run();
      },
      clean: remove,
    },
    {
      name: 'network connect',
      prepare: async () => {
        await ok('network', 'create', 'side');
        await run();
      },
      act: () => docker(['network', 'connect', 'side', 'victim']),
      check: async (told) => {
        const connected = (await networksOf()).includes('side');
        if (told) expect(connected).toBe(true);
        if (!connected) await ok('network', 'connect', 'side', 'victim');
        expect(await interfaces()).toHaveLength(2);
      },
      clean: async () => {
        await remove();
        await docker(['network', 'rm', 'side']);
      },
    },
    {
      name: 'network disconnect',
      prepare: async () => {
        await ok('network', 'create', 'side');
        await run();
        await ok('network', 'connect', 'side', 'victim');
      },
      act: () => docker(['network', 'disconnect', 'side', 'victim']),
      check: async (told) => {
        const connected = (await networksOf()).includes('side');
        if (told) expect(connected).toBe(false);
        if (connected) await ok('network', 'disconnect', 'side', 'victim');
        expect(await interfaces()).toHaveLength(1);
        await ok('network', 'connect', 'side', 'victim');
      },
      clean: async () => {
        await remove();
        await docker(['network', 'rm', 'side']);
      },
    },
    {
      name: 'log rotation',
      prepare: () =>
        ok(
          'run',
          '-d',
          '--name',
          'victim',
          '--network',
          'none',
          '--log-opt',
          'max-size=20k',
          '--log-opt',
          'max-file=100',
          image,
          'sh',
          '-c',
          'i=0; until [ -e /go ]; do sleep 0.02; done; while [ $i -lt 4000 ]; do i=$((i+1)); echo line-$i; done; touch /done; sleep 300',
        ),
      act: async () => {
        await docker(['exec', '-d', 'victim', 'touch', '/go']);
        const wait = await docker(['exec', 'victim', 'sh', '-c', 'until [ -e /done ]; do sleep 0.02; done; sleep 0.3']);
        return wait;
      },
      check: async () => {
        await docker(['exec', 'victim', 'touch', '/go']);
        const lines = await eventually(
          () => ok('logs', 'victim'),
          (text) => text.includes('line-4000'),
          'the last line',
        );
        expect(lines.split('\n')).toEqual(Array.from({ length: 4000 }, (_value, index) => `line-${index + 1}`));
        expect(engine.log()).not.toContain('quarantine');
      },
      clean: remove,
    },
  ];
}

describe('killed before each step of', () => {
  it.each([
    'pull',
    'create',
    'start',
    'exec',
    'stop',
    'remove',
    'network connect',
    'network disconnect',
    'log rotation',
  ])(
    '%s, the engine loses and leaks nothing',
    async (name) => {
      const { engine } = fixture;
      const operation = operations().find((one) => one.name === name) as Operation;
      const cycle = async (limit: number) => {
        const before = holdings(engine);
        await operation.prepare?.();
        arm(limit);
        const told = (await operation.act()).code === 0;
        rememberContainers(engine);
        const killed = trace().length >= limit;
        disarm();
        const at = `before step ${limit}: ${trace().at(-1)?.trim()}`;
        if (killed) {
          // the word of the client first: the process is gone
          await engine.kill();
          await engine.start();
        }
        try {
          await operation.check(told);
          await operation.clean();
          await eventually(
            async () => holdings(engine).filter((line) => !before.includes(line)),
            (more) => more.length === 0,
            'an engine without leftovers',
          );
        } catch (error) {
          throw new Error(
            `${name}, killed ${at} (client ${told ? 'told' : 'not told'} of success)\n${engine.log().slice(-1500)}`,
            {
              cause: error,
            },
          );
        }
        return killed;
      };
      await cycle(Infinity);
      // every third step, or all of them when asked: a step takes a second or two
      const stride = process.env['BERTH_EVERY_STEP'] ? 1 : 3;
      let limit = 1;
      while (await cycle(limit)) limit += stride;
      expect(limit).toBeGreaterThan(2);
    },
    240_000,
  );
});
