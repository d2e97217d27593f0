import { spawn } from 'node:child_process';
import { startTestEngine, type TestEngine, type TestEngineOptions } from './testing/engine.ts';
import type { ContainerConfig } from './api/container.ts';
import { busyboxImage, pushImage, startRegistry } from './testing/index.ts';
import type { ExecOptions, ExecResult } from './system/exec.ts';

/** A real engine with one image pulled from a real registry, and the real docker client. */
export interface DockerFixture {
  engine: TestEngine;
  image: string;
  /** Any exit code is fine; `stdout` and `stderr` are trimmed. */
  docker(args: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /** docker that must succeed: its trimmed stdout */
  ok(...args: string[]): Promise<string>;
  /** the image again, with another configuration; gives its name */
  imageWith(name: string, config: ContainerConfig): Promise<string>;
  /** docker in a pseudo-terminal; each of `typed` goes in when the screen has been quiet for a moment */
  inTerminal(args: string, ...typed: string[]): Promise<{ stdout: string; code: number | null }>;
  close(): Promise<void>;
}

const ANY_CODE = Array.from({ length: 256 }, (_value, code) => code);

export async function dockerFixture(options: TestEngineOptions = {}): Promise<DockerFixture> {
  const registry = await startRegistry();
  try {
    await pushImage(registry.host, 'busybox', '1', busyboxImage());
    const engine = await startTestEngine({ ...options, env: { BERTH_SOURCE: '1', ...options.env } });
    const image = `${registry.host}/busybox:1`;
    const docker = async (args: readonly string[], execOptions: ExecOptions = {}) => {
      const result = await engine.docker(args, { timeout: 30_000, okCodes: ANY_CODE, ...execOptions });
      return { ...result, stdout: result.stdout.trim(), stderr: result.stderr.trim() };
    };
    const ok = async (...args: string[]) => {
      const { code, stdout, stderr } = await docker(args);
      if (code !== 0) throw new Error(`docker ${args.join(' ')}: exit code ${code}: ${stderr}`);
      return stdout;
    };
    await ok('pull', '-q', image);
    return {
      engine,
      image,
      docker,
      ok,
      imageWith: async (name, config) => {
        await pushImage(registry.host, name, '1', busyboxImage({ config }));
        await ok('pull', '-q', `${registry.host}/${name}:1`);
        return `${registry.host}/${name}:1`;
      },
      inTerminal: (args, ...typed) =>
        typeInto(`docker ${args}`, typed, {
          PATH: process.env['PATH'],
          HOME: engine.directory,
          DOCKER_HOST: `unix://${engine.socket}`,
          TERM: 'xterm',
        }),
      close: async () => {
        await engine.stop();
        await registry.stop();
      },
    };
  } catch (error) {
    await registry.stop();
    throw error;
  }
}

const QUIET = 400;

/** A person at a terminal: waits until nothing more appears, types, waits. */
function typeInto(
  command: string,
  typed: string[],
  env: NodeJS.ProcessEnv,
): Promise<{ stdout: string; code: number | null }> {
  return new Promise((done, fail) => {
    const child = spawn('script', ['-qec', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
    const todo = [...typed];
    let stdout = '';
    const next = () => {
      const text = todo.shift();
      if (text === undefined) return;
      child.stdin.write(text);
      quiet = setTimeout(next, QUIET);
    };
    let quiet = setTimeout(next, QUIET);
    const late = setTimeout(() => child.kill('SIGKILL'), 25_000);
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString('utf8');
      clearTimeout(quiet);
      quiet = setTimeout(next, QUIET);
    });
    child.on('error', fail);
    child.on('close', (code) => {
      clearTimeout(quiet);
      clearTimeout(late);
      done({ stdout, code });
    });
  });
}

/** Asks again until it holds. */
export async function eventually<T>(
  ask: () => Promise<T>,
  holds: (value: T) => boolean,
  what: string,
  milliseconds = 10_000,
): Promise<T> {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    if (Date.now() > deadline) throw new Error(`${what}: last seen: ${JSON.stringify(value)}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
