import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerInspect } from './api/container.ts';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';

let fixture: DockerFixture;
let other: string;
beforeAll(async () => {
  fixture = await dockerFixture({ rootSize: '24m' });
  const { ok, image } = fixture;
  other = await fixture.imageWith('other', { Labels: { other: 'yes' } });
  await ok('rmi', other);
  await ok('network', 'create', 'side');
  await ok('create', '--name', 'waiting', '-v', 'data:/data', image, 'sleep', '600');
  await ok('run', '-d', '--name', 'running', image, 'sleep', '600');
  await ok('run', '-d', '--name', 'removed', '-v', '/data', image, 'sleep', '600');
  await ok(
    ...['run', '-d', '--name', 'writer', '--network', 'none', image, 'sh', '-c'],
    'i=0; while true; do i=$((i+1)); echo line-$i; sleep 0.05; done',
  );
}, 60_000);
afterAll(() => fixture?.close(), 60_000);

const filler = () => join(fixture.engine.root, 'filler');
/** Takes all that is free, to the last page. */
function fill(): void {
  const fd = openSync(filler(), 'a');
  try {
    for (const size of [1 << 20, 4096]) for (;;) writeSync(fd, Buffer.alloc(size));
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' });
  } finally {
    closeSync(fd);
  }
}
const fillAgain = () => {
  for (const size of [1 << 20, 4096]) {
    const fd = openSync(filler(), 'a');
    try {
      for (;;) writeSync(fd, Buffer.alloc(size));
    } catch {
      // full
    } finally {
      closeSync(fd);
    }
  }
};
const free = () => rmSync(filler());
const inspect = async (name: string) =>
  (await fixture.engine.request('GET', `/containers/${name}/json`)).body as ContainerInspect;
/** But for what containers have written, and what a pull has fetched and the next goes on from. */
const files = () =>
  execFileSync('find', [fixture.engine.root], { encoding: 'utf8' })
    .split('\n')
    .filter((path) => !/\/reserve$|container\.log$|\/overlay\/(upper|work)\/|\/images\/ingest/.test(path))
    .sort();
const HINT = /no space left on device.*docker system prune/s;

describe('on a full disk', () => {
  it('what has to write says what is wrong and what to do, and leaves nothing', async () => {
    fill();
    // what is kept back for records is used up too
    rmSync(join(fixture.engine.root, 'reserve'), { force: true });
    fillAgain();
    const { engine, docker, image } = fixture;
    const before = files();
    const create = await engine.request('POST', '/containers/create?name=new', { Image: image, Cmd: ['true'] });
    expect(create.status).toBe(500);
    expect((create.body as { message: string }).message).toMatch(HINT);
    expect((await docker(['run', '--name', 'new', image, 'true'])).stderr).toMatch(HINT);
    expect((await docker(['volume', 'create', 'new'])).stderr).toMatch(HINT);
    expect((await docker(['network', 'create', 'new'])).stderr).toMatch(HINT);
    expect((await docker(['tag', image, 'new:1'])).stderr).toMatch(HINT);
    expect((await docker(['pull', other])).stderr).toMatch(HINT);
    const start = await docker(['start', 'waiting']);
    expect(start.stderr).toMatch(HINT);
    expect((await inspect('waiting')).State).toMatchObject({ Status: 'created', Pid: 0 });
    expect(files()).toEqual(before);
  });

  it('containers run on, can be looked at, and can be ended and removed', async () => {
    const { ok, image } = fixture;
    expect(await ok('exec', 'running', 'echo', 'in')).toBe('in');
    expect(await ok('logs', '--tail', '1', 'writer')).toMatch(/^line-/);
    expect(await ok('images', '-q', image)).not.toBe('');
    await ok('stop', '-t', '0', 'running');
    expect((await inspect('running')).State).toMatchObject({ Status: 'exited', ExitCode: 137 });
    await ok('rm', '-f', '-v', 'removed');
    expect((await fixture.docker(['inspect', 'removed'])).code).toBe(1);
    fillAgain();
  });

  it('the engine starts, and has what it had', async () => {
    const { engine, ok } = fixture;
    await engine.kill();
    await engine.start();
    expect((await ok('ps', '-a', '--format', '{{.Names}}')).split('\n').sort()).toEqual([
      'running',
      'waiting',
      'writer',
    ]);
    expect((await inspect('running')).State.Status).toBe('exited');
    expect(await ok('exec', 'writer', 'echo', 'in')).toBe('in');
    fillAgain();
  });
});

describe('when there is space again', () => {
  it('everything works, and nothing is lost', async () => {
    const { engine, ok, image } = fixture;
    const said = async () => (await ok('logs', 'writer')).split('\n').map((line) => Number(line.replace('line-', '')));
    const last = (await said()).at(-1) as number;
    free();
    await ok('start', 'waiting', 'running');
    expect(await ok('exec', 'waiting', 'ls', '-d', '/data')).toBe('/data');
    await ok('pull', '-q', other);
    expect(await ok('run', '--rm', other, 'echo', 'runs')).toBe('runs');
    await ok('run', '--name', 'new', '--network', 'side', '-v', 'new:/data', image, 'true');
    await ok('rm', 'new');
    // what was written before is there, and what is written now comes
    const lines = await eventually(said, (numbers) => (numbers.at(-1) ?? 0) > last + 5, 'new lines');
    expect(lines.slice(0, 10)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(lines.every((line, index) => index === 0 || line > (lines[index - 1] as number))).toBe(true);
    await engine.kill();
    await engine.start();
    expect((await inspect('waiting')).State.Status).toBe('running');
    expect(engine.log()).not.toContain('quarantine');
  });
});

describe('on a file system that has become read-only', () => {
  const remount = (how: string) => execFileSync('mount', ['-o', `remount,${how},size=24m`, fixture.engine.root]);

  it('requests that have to write are refused with the reason, others are served', async () => {
    const { engine, docker, ok, image } = fixture;
    await ok('rm', '-f', 'waiting', 'running', 'writer');
    await ok('create', '--name', 'kept', image, 'true');
    remount('ro');
    try {
      const create = await docker(['create', '--name', 'new', image, 'true']);
      expect(create.code).toBe(1);
      expect(create.stderr).toMatch(/read-only file system.*writable/s);
      expect((await docker(['start', 'kept'])).code).toBe(1);
      expect((await docker(['rm', 'kept'])).stderr).toContain('read-only file system');
      expect((await inspect('kept')).State.Status).toBe('created');
      expect(await ok('ps', '-a', '--format', '{{.Names}}')).toBe('kept');
      expect(await ok('images', '-q', image)).not.toBe('');
      await engine.terminate();
      await expect(engine.start()).rejects.toThrow(/ended with 1:[\s\S]*read-only file system/);
    } finally {
      remount('rw');
      // made meanwhile, with a copy of the mount that stays read-only
      const namespace = join(engine.runDir, 'mount-ns');
      if (existsSync(namespace)) execFileSync('umount', [namespace]);
    }
    await engine.start();
    await ok('start', '-a', 'kept');
    await ok('rm', 'kept');
  });
});
