import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Endpoint } from '../engine/endpoint.ts';
import { unixTransport } from '../engine/transport.ts';
import { EngineClient } from '../engine/client.ts';
import { berthCommand } from './berth-command.ts';
import type { StartEngine } from './engine-link.ts';
import { HostError } from './failures.ts';
import { pause } from './signals.ts';

export interface EnginePaths {
  socket: string;
  root: string;
  runDir: string;
  log: string;
}

/** Milliseconds an engine has until it answers. */
const READY_TIMEOUT = 30_000;
const TAIL_LINES = 15;

/** Where Berth's own engine lives: the system's places for root, the user's own else (XDG base directories). */
export function enginePaths(uid = process.getuid?.() ?? 0, env: NodeJS.ProcessEnv = process.env): EnginePaths {
  if (uid === 0) {
    return {
      socket: '/run/berth/engine.sock',
      root: '/var/lib/berth',
      runDir: '/run/berth',
      log: '/var/log/berth-engine.log',
    };
  }
  const run = join(env['XDG_RUNTIME_DIR'] ?? `/run/user/${uid}`, 'berth');
  const data = join(env['XDG_DATA_HOME'] ?? join(env['HOME'] ?? homedir(), '.local', 'share'), 'berth');
  const state = join(env['XDG_STATE_HOME'] ?? join(env['HOME'] ?? homedir(), '.local', 'state'), 'berth');
  return { socket: join(run, 'engine.sock'), root: data, runDir: run, log: join(state, 'engine.log') };
}

export interface OwnEngine {
  endpoint: Endpoint;
  start: StartEngine;
}

/**
 * Berth's own engine. A user who is not root uses the system's engine when it runs and lets him in; else only root can start one.
 */
export function defaultEngine(
  uid = process.getuid?.() ?? 0,
  command = berthCommand(),
  paths = enginePaths(uid),
): OwnEngine {
  const system = enginePaths(0);
  const socket = uid !== 0 && existsSync(system.socket) ? system.socket : paths.socket;
  return {
    endpoint: { kind: 'unix', path: socket },
    start: async (signal) => {
      if (uid !== 0) throw needsRoot(command);
      await startEngine(command, paths, signal);
    },
  };
}

function needsRoot(command: string): HostError {
  const { socket, root, runDir } = enginePaths(0);
  return new HostError({
    code: 'engine-privileges',
    message: 'The engine is not running, and starting it needs root.',
    detail: 'It makes namespaces, mounts and networks, which the kernel allows to root alone.',
    action: `Start it in a terminal: sudo ${command} engine --socket ${socket} --root ${root} --run-dir ${runDir}`,
  });
}

/** Starts the engine so that it outlives this process, and waits until it answers. */
export async function startEngine(command: string, paths: EnginePaths, signal: AbortSignal): Promise<void> {
  for (const directory of [paths.root, paths.runDir, dirname(paths.socket), dirname(paths.log)])
    await mkdir(directory, { recursive: true });
  const log = await open(paths.log, 'a', 0o640);
  const from = (await log.stat()).size;
  const child = spawn(command, ['engine', '--socket', paths.socket, '--root', paths.root, '--run-dir', paths.runDir], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  let end: string | undefined;
  child.once('error', (error) => (end = error.message));
  child.once('exit', (code, name) => (end = name ? `it was ended by ${name}` : `it ended with status ${code}`));
  child.unref();
  const client = new EngineClient(unixTransport(paths.socket));
  try {
    const deadline = Date.now() + READY_TIMEOUT;
    while (!signal.aborted) {
      if (await answers(client)) return;
      if (end !== undefined) throw startFailed(end, await tail(paths.log, from), paths.log);
      if (Date.now() > deadline)
        throw startFailed(`it did not answer within ${READY_TIMEOUT / 1000} s`, await tail(paths.log, from), paths.log);
      await pause(50, signal);
    }
  } finally {
    client.close();
    await log.close();
  }
}

async function answers(client: EngineClient): Promise<boolean> {
  try {
    await client.ping();
    return true;
  } catch {
    return false;
  }
}

/** The last lines this start wrote. */
async function tail(path: string, from: number): Promise<string> {
  const text = (await readFile(path)).subarray(from).toString('utf8').trimEnd();
  return text.split('\n').slice(-TAIL_LINES).join('\n');
}

/** What the log says, and what helps against it. */
function startFailed(why: string, log: string, path: string): HostError {
  const hints: [RegExp, string][] = [
    [
      /ENOENT.*(crun|runc|conmon|netavark)|(crun|runc|conmon|netavark).*(not found|missing)/i,
      'Programs are missing. Run in the project: npm run setup',
    ],
    [/Node 24 is missing|ERR_MODULE_NOT_FOUND/i, 'Packages are missing. Run in the project: npm install'],
    [
      /EADDRINUSE|already running|in use by another/i,
      'Another engine uses the same directories. Stop it, or choose it with --engine.',
    ],
    [/EACCES|EPERM|permission denied|operation not permitted/i, 'Start Berth as root: sudo npm start'],
    [/ENOSPC|no space left/i, 'The disk is full. Free some space, then try again.'],
  ];
  const action =
    hints.find(([pattern]) => pattern.test(log))?.[1] ??
    `The whole log is in ${path}. Try again, or run: npm run setup`;
  return new HostError({
    code: 'engine-start',
    message: `The engine could not be started: ${why}.`,
    detail: log,
    action,
  });
}
