import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exec, type ExecOptions, type ExecResult } from '../system/exec.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

export interface TestEngineOptions {
  runtime?: 'crun' | 'runc';
  /** content of the configuration file (dockerd's names) */
  config?: object;
  env?: NodeJS.ProcessEnv;
  /** the engine's root is a file system of its own, of this size ("24m") */
  rootSize?: string;
}
export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** the body parsed, or undefined when it is no JSON */
  body: unknown;
}

/** A real engine in directories of its own, started as a user starts it. `stop` leaves nothing of it on the machine. */
export interface TestEngine {
  readonly directory: string;
  readonly socket: string;
  readonly root: string;
  readonly runDir: string;
  readonly pid: number;
  /** what the engine wrote on stderr so far */
  log(): string;
  /** the real docker client against this engine; throws ExecError unless the exit code is in okCodes */
  docker(args: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  request(method: string, path: string, body?: unknown): Promise<Answer>;
  /** SIGKILL; containers stay */
  kill(): Promise<void>;
  /** SIGTERM; containers stay */
  terminate(): Promise<void>;
  /** after kill or terminate: the same directories again */
  start(): Promise<void>;
  /** removes every container, network and volume, ends the engine, and removes its directories */
  stop(): Promise<void>;
}

export async function startTestEngine(options: TestEngineOptions = {}): Promise<TestEngine> {
  const directory = mkdtempSync(join(tmpdir(), 'berth-e-'));
  const socket = join(directory, 's');
  const root = join(directory, 'root');
  const runDir = join(directory, 'run');
  const argv = ['engine', '--socket', socket, '--root', root, '--run-dir', runDir];
  if (options.runtime) argv.push('--runtime', options.runtime);
  if (options.config) {
    const file = join(directory, 'engine.json');
    writeFileSync(file, JSON.stringify(options.config));
    argv.push('--config-file', file);
  }
  if (options.rootSize) {
    mkdirSync(root);
    await exec(['mount', '-t', 'tmpfs', '-o', `size=${options.rootSize},mode=711`, 'berth-test', root]);
  }
  let child: ChildProcess | undefined;
  let stderr = '';

  const start = async () => {
    const started = spawn(join(REPOSITORY, 'bin/berth'), argv, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...options.env },
    });
    child = started;
    started.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
    const deadline = Date.now() + 30_000;
    for (;;) {
      const answer = await call(socket, 'GET', '/_ping').catch(() => undefined);
      if (answer?.status === 200) return;
      if (started.exitCode !== null) throw new Error(`the engine ended with ${started.exitCode}:\n${stderr}`);
      if (Date.now() > deadline) throw new Error(`the engine was not ready within 30 s:\n${stderr}`);
      await new Promise((done) => setTimeout(done, 25));
    }
  };
  const end = async (signal: NodeJS.Signals) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  const docker = (args: readonly string[], execOptions: ExecOptions = {}) =>
    exec(['docker', ...args], {
      ...execOptions,
      env: { PATH: process.env['PATH'], HOME: directory, DOCKER_HOST: `unix://${socket}`, ...execOptions.env },
    });
  const stop = async () => {
    try {
      if (!child || child.exitCode !== null || child.signalCode !== null) await start();
      await removeAll(socket);
    } finally {
      await end('SIGTERM');
      await exec([process.execPath, join(REPOSITORY, 'agent/testing/sweep.ts'), root, runDir], { okCodes: [0, 1] });
      if (options.rootSize) await exec(['umount', '--lazy', root]);
      await rm(directory, { recursive: true, force: true });
    }
  };

  await start();
  return {
    directory,
    socket,
    root,
    runDir,
    get pid() {
      return child?.pid ?? 0;
    },
    log: () => stderr,
    docker,
    request: (method, path, body) => call(socket, method, path, body),
    kill: () => end('SIGKILL'),
    terminate: () => end('SIGTERM'),
    start,
    stop,
  };
}

async function removeAll(socket: string): Promise<void> {
  const listed = (await call(socket, 'GET', '/containers/json?all=1')).body;
  for (const { Id } of Array.isArray(listed) ? (listed as { Id: string }[]) : [])
    await call(socket, 'DELETE', `/containers/${Id}?force=1&v=1`);
  await call(socket, 'POST', '/networks/prune');
  await call(socket, 'POST', '/volumes/prune?filters=%7B%22all%22%3A%5B%22true%22%5D%7D');
}

/** One request over the socket, read to its end. Times out after 60 s. */
export function call(socket: string, method: string, path: string, body?: unknown): Promise<Answer> {
  return new Promise((done, fail) => {
    const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const outgoing = request(
      {
        socketPath: socket,
        method,
        path,
        agent: false,
        headers:
          payload === undefined
            ? {}
            : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) },
      },
      (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('error', fail);
        res.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          let parsed: unknown;
          try {
            parsed = JSON.parse(text);
          } catch {
            parsed = undefined;
          }
          done({ status: res.statusCode ?? 0, headers: res.headers, text, body: parsed });
        });
      },
    );
    outgoing.setTimeout(60_000, () => outgoing.destroy(new Error(`${method} ${path}: no answer within 60 s`)));
    outgoing.on('error', fail);
    outgoing.end(payload);
  });
}
