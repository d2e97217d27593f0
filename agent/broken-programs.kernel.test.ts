import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerInspect } from './api/container.ts';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';
import { findProgram } from './runtime/programs.ts';
import { exec } from './system/exec.ts';
import { holdings } from './testing/leftovers.ts';

/** crun and conmon of this engine are files here, which can be taken away or fail. */
const bin = mkdtempSync(join(tmpdir(), 'berth-bin-'));
let fixture: DockerFixture;
beforeAll(async () => {
  for (const name of ['crun', 'conmon']) copyFileSync((await findProgram(name)) as string, join(bin, name));
  fixture = await dockerFixture({ env: { PATH: `${bin}:${process.env['PATH']}` } });
  await fixture.ok('run', '--rm', fixture.image, 'true');
}, 60_000);
afterAll(async () => {
  await fixture?.close();
  rmSync(bin, { recursive: true });
}, 60_000);

const inspect = async (name: string) =>
  (await fixture.engine.request('GET', `/containers/${name}/json`)).body as ContainerInspect;

/** A start fails with this, leaves nothing, and succeeds when what was broken is whole again. */
async function expectFailure(said: RegExp, broken: () => void, mend: () => void, ...options: string[]): Promise<void> {
  const { engine, ok, docker, image } = fixture;
  await ok('create', '--name', 'victim', ...options, image, 'true');
  const before = holdings(engine);
  broken();
  try {
    const started = await docker(['start', 'victim']);
    expect(started.code).toBe(1);
    expect(started.stderr).toMatch(said);
  } finally {
    mend();
  }
  expect((await inspect('victim')).State).toMatchObject({ Status: 'created', Pid: 0 });
  const own = /container.log$|\/overlay\/work\/work$|\/run\/trash/;
  await eventually(
    async () => Promise.resolve(holdings(engine).filter((line) => !before.includes(line) && !own.test(line))),
    (lines) => lines.length === 0,
    'nothing left',
  );
  await ok('start', '-a', 'victim');
  await ok('rm', 'victim');
}

const away = (name: string) => () => renameSync(join(bin, name), join(bin, `${name}.away`));
const back = (name: string) => () => renameSync(join(bin, `${name}.away`), join(bin, name));

describe('a start is refused with the reason, and leaves nothing, when', () => {
  it('the runtime is gone', () => expectFailure(/crun/, away('crun'), back('crun'), '--network', 'none'));
  it('conmon is gone', () => expectFailure(/conmon/, away('conmon'), back('conmon'), '--network', 'none'));
  it('the runtime fails', () =>
    expectFailure(
      /made to fail/,
      () => {
        away('crun')();
        writeFileSync(join(bin, 'crun'), '#!/bin/sh\necho made to fail >&2\nexit 3\n', { mode: 0o755 });
      },
      back('crun'),
    ));
});

it('a container whose conmon was killed runs on, and its end is seen', async () => {
  const { ok, image } = fixture;
  await ok('run', '-d', '--name', 'orphan', '--network', 'none', image, 'sleep', '600');
  const { Id, State } = await inspect('orphan');
  const found = await exec(['cat', join(fixture.engine.runDir, 'containers', Id, 'bundle/conmon.pid')]);
  process.kill(Number(found.stdout), 'SIGKILL');
  expect(await ok('exec', 'orphan', 'echo', 'in')).toBe('in');
  expect((await inspect('orphan')).State.Pid).toBe(State.Pid);
  await ok('stop', '-t', '0', 'orphan');
  expect((await inspect('orphan')).State).toMatchObject({ Status: 'exited', ExitCode: 137 });
  await ok('start', 'orphan');
  await ok('rm', '-f', 'orphan');
});

describe('an engine is refused', () => {
  const start = (...more: string[]) =>
    exec(
      [
        'bin/berth',
        'engine',
        '--socket',
        join(bin, 's'),
        '--root',
        join(bin, 'r'),
        '--run-dir',
        join(bin, 'x'),
        ...more,
      ],
      {
        okCodes: [1, 2],
        env: { PATH: process.env['PATH'], BERTH_SOURCE: '1' },
      },
    );

  it('a runtime that there is not', async () => {
    const { stderr } = await start('--runtime', 'nosuch');
    expect(stderr).toContain('nosuch');
  });

  it('and a container one too', async () => {
    const { code, stderr } = await fixture.docker(['run', '--rm', '--runtime', 'nosuch', fixture.image, 'true']);
    expect(code).toBe(125);
    expect(stderr).toContain('unknown or invalid runtime name: nosuch');
  });
});
