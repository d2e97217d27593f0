import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineClient } from '../engine/client.ts';
import { unixTransport } from '../engine/transport.ts';
import { defaultEngine, type EnginePaths, enginePaths, startEngine } from './engine-process.ts';

const berth = fileURLToPath(new URL('../../bin/berth', import.meta.url));
const never = new AbortController().signal;

describe('Berth’s own engine', () => {
  let directory: string;
  let paths: EnginePaths;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'berth-own-'));
    paths = {
      socket: join(directory, 'run', 's'),
      root: join(directory, 'root'),
      runDir: join(directory, 'run'),
      log: join(directory, 'log'),
    };
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const engineOf = async () => {
    const client = new EngineClient(unixTransport(paths.socket));
    const system = await client.berthSystem();
    client.close();
    return system;
  };
  const isAlive = (pid: number) => {
    try {
      // a child that has ended is a zombie until it is waited for
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  };

  it('is started, answers, and outlives who started it', async () => {
    const script = `
      const { startEngine } = await import(${JSON.stringify(new URL('./engine-process.ts', import.meta.url).href)});
      await startEngine(${JSON.stringify(berth)}, ${JSON.stringify(paths)}, new AbortController().signal);
      process.exit(0);`;
    const starter = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
    expect(await new Promise((done) => starter.once('exit', done))).toBe(0);
    const system = await engineOf();
    expect(system?.root).toBe(paths.root);
    const pid = system?.pid as number;
    process.kill(pid, 'SIGTERM');
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  });

  it.each([
    ['echo "Error: netavark not found" >&2; exit 3', 'it ended with status 3', 'netavark not found', /npm run setup/],
    ['echo "mount: Operation not permitted" >&2; exit 1', 'it ended with status 1', 'Operation not permitted', /sudo/],
    ['kill -9 $$', 'it was ended by SIGKILL', '', /log/],
  ])('says why it could not start: %s', async (body, why, log, action) => {
    const program = join(directory, 'program');
    writeFileSync(program, `#!/bin/sh\n${body}\n`);
    chmodSync(program, 0o755);
    writeFileSync(join(directory, 'log'), 'of an earlier start\n');
    const failure = await startEngine(program, paths, never).catch((error: { failure: object }) => error.failure);
    expect(failure).toMatchObject({
      code: 'engine-start',
      message: expect.stringContaining(why),
      detail: expect.stringContaining(log),
      action: expect.stringMatching(action),
    });
    expect(JSON.stringify(failure)).not.toContain('earlier');
  });

  it('who is not root is told the command', async () => {
    const own = defaultEngine(1000, '/opt/berth/bin/berth');
    await expect(own.start(never)).rejects.toMatchObject({
      failure: {
        code: 'engine-privileges',
        action: expect.stringContaining('sudo /opt/berth/bin/berth engine --socket /run/berth/engine.sock'),
      },
    });
  });

  it('keeps to the places of the XDG base directories', () => {
    expect(enginePaths(1000, { XDG_RUNTIME_DIR: '/run/user/1000', HOME: '/home/me' })).toEqual({
      socket: '/run/user/1000/berth/engine.sock',
      root: '/home/me/.local/share/berth',
      runDir: '/run/user/1000/berth',
      log: '/home/me/.local/state/berth/engine.log',
    });
    expect(enginePaths(0, {}).socket).toBe('/run/berth/engine.sock');
  });
});
