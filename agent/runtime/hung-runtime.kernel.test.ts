import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Layout } from '../store/layout.ts';
import { createConmonSupervisor } from './conmon-supervisor.ts';
import { findProgram } from './programs.ts';
import { isAlive, startTimeOf } from './process-identity.ts';

let directory: string;
afterEach(() => rm(directory, { recursive: true, force: true }));

/** A supervisor over conmon and a "runtime" that does what the script says. */
async function over(script: string) {
  directory = await mkdtemp(join(tmpdir(), 'berth-hung-'));
  const layout = new Layout(join(directory, 'root'), join(directory, 'run'));
  const id = 'e'.repeat(64);
  const bundle = layout.bundle(id);
  const path = join(directory, 'runtime');
  await Promise.all([bundle, layout.exits, layout.runtimeState].map((each) => mkdir(each, { recursive: true })));
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  await writeFile(join(bundle, 'config.json'), JSON.stringify({ process: { args: ['sleep'] } }));
  const conmon = (await findProgram('conmon')) as string;
  const supervisor = createConmonSupervisor({
    conmon,
    runtime: { name: 'runc', version: '1', path },
    layout,
    createTimeout: 1000,
    execTimeout: 1000,
  });
  const create = () =>
    supervisor.create({
      id,
      name: 'hung',
      bundle,
      tty: false,
      stdin: false,
      leaveStdinOpen: false,
      logPath: undefined,
    });
  const exec = async (tty: boolean) => {
    const own = join(bundle, 'exec');
    await mkdir(own, { recursive: true });
    const process = JSON.stringify({ args: ['sleep', '1'], cwd: '/', user: { uid: 0, gid: 0 } });
    return supervisor.exec({ containerId: id, process, directory: own, tty, stdin: false });
  };
  return { create, exec, bundle };
}

const pidsIn = async (file: string) => (await readFile(file, 'utf8')).trim().split(/\s+/).map(Number);

test('a runtime that never returns is ended with all it started', async () => {
  const { create, bundle } = await over('sleep 600 &\necho $$ $! > "$(dirname "$0")/pids"\nwait');
  const failure = create();
  await expect(failure).rejects.toThrow('runc create did not end within 1 s and was ended');
  const left = [...(await pidsIn(join(directory, 'pids'))), ...(await pidsIn(join(bundle, 'conmon.pid')))];
  expect(left).toHaveLength(3);
  await expect.poll(() => left.filter((pid) => isAlive(pid, startTimeOf(pid) ?? 0))).toEqual([]);
});

test('a runtime that fails without a word is told of at once', async () => {
  const { create } = await over('exit 3');
  await expect(create()).rejects.toThrow(/runc create failed/);
});

test('an exec with a terminal does not wait for a runtime that never returns', async () => {
  const { exec, bundle } = await over('sleep 600 &\necho $$ $! > "$(dirname "$0")/pids"\nwait');
  await expect(exec(true)).rejects.toThrow('runc exec did not begin within 1 s and was ended');
  const left = [...(await pidsIn(join(directory, 'pids'))), ...(await pidsIn(join(bundle, 'exec/conmon.pid')))];
  expect(left).toHaveLength(3);
  await expect.poll(() => left.filter((pid) => isAlive(pid, startTimeOf(pid) ?? 0))).toEqual([]);
});

test('an exec without one can be ended also before it began', async () => {
  const { exec } = await over('sleep 600 &\necho $$ $! > "$(dirname "$0")/pids"\nwait');
  const running = await exec(false);
  await expect.poll(() => pidsIn(join(directory, 'pids')).catch(() => [])).toHaveLength(2);
  const left = await pidsIn(join(directory, 'pids'));
  await running.kill();
  expect(await running.exited).toBe(137);
  await expect.poll(() => left.filter((pid) => isAlive(pid, startTimeOf(pid) ?? 0))).toEqual([]);
});
