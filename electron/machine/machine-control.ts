import { spawn } from 'node:child_process';
import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MachineStatus } from '../contract/machine.ts';
import { ask, demand, HELD_ELSEWHERE } from './control.ts';
import { machineStatus, setMachine, watchMachine } from './held-machine.ts';
import type { MachinePaths } from './paths.ts';
import { isFree } from './process-lock.ts';
import { endOrphan } from './orphan.ts';
import { readSettings } from './settings.ts';
import { currentStatus, readStatus } from './status.ts';
import { MachineError, type MachineControl } from './types.ts';

export interface ControlOptions {
  paths: MachinePaths;
  /** the command line, after Node, that runs `berth machine` */
  command: readonly string[];
  /** Node, and what its environment needs to be that */
  node?: string;
  env?: NodeJS.ProcessEnv;
  /** told when somebody else starts the machine already, and this start waits for that one */
  shared?: () => void;
  /** the folder with the image; built, or found built, by `berth machine start` itself when it is not given */
  image: () => Promise<string>;
}

/** Milliseconds that a process has from holding the machine until it answers. */
const SETTLE = 15_000;
/** Bytes of what holders wrote that are kept. */
const LOG = 256 * 1024;

/** The machine through the process that holds it; starts that process where there is none. */
export function createMachineControl(options: ControlOptions): MachineControl {
  const { paths } = options;
  const held = async () => (await ask(paths.control, { verb: 'ping' })) !== undefined;
  const begin = async (verb: 'run' | 'wait') => {
    let told = false;
    for (const end = performance.now() + SETTLE; performance.now() < end;) {
      if (await held()) {
        if (verb === 'wait' || (await demand(paths.control, { verb: 'start' })) !== undefined) return;
      } else if (await hold(options, verb)) return;
      if (!told) options.shared?.();
      told = true;
      for (let tries = 0; tries < 20 && !(await held()); tries++) await sleep(100);
    }
    throw new MachineError('another process holds the machine and does not answer', 'end it: berth machine kill');
  };
  const end = async (patience?: number) => {
    const request = patience === undefined ? {} : { patience };
    const answer = await demand(paths.control, patience === 0 ? { verb: 'kill' } : { verb: 'stop', ...request });
    if (answer === undefined) await endOrphan(paths, patience);
    for (let tries = 0; tries < 250 && ((await held()) || !isFree(paths.lock)); tries++) await sleep(20);
    return answer?.how === 'clean' || answer?.how === 'hard' ? answer.how : 'not running';
  };
  const control: MachineControl = {
    status: () => machineStatus(paths),
    glance: () => currentStatus(paths),
    start: () => begin('run'),
    wait: () => begin('wait'),
    stop: (patience) => end(patience),
    kill: async () => void (await end(0)),
    async restart() {
      await end();
      await begin('run');
    },
    async reset() {
      await end();
      for (const path of [paths.data, paths.key, paths.hostKey, paths.status, paths.console, `${paths.console}.1`])
        rmSync(path, { force: true });
    },
    settings: () => Promise.resolve(readSettings(paths)),
    setSettings: (change) => setMachine(paths, change),
    console: (lines) => Promise.resolve(lastLines(paths.console, lines)),
    watch: (signal) => watchMachine(paths, signal),
  };
  return control;
}

/** Starts the process that holds the machine; resolves when the machine runs (`wait`: when its socket is there). false: another was first. */
async function hold({ paths, command, node = process.execPath, env, image }: ControlOptions, verb: 'run' | 'wait') {
  const folder = await image();
  mkdirSync(paths.home, { recursive: true, mode: 0o700 });
  const log = openSync(join(paths.home, 'holder.log'), 'a', 0o600);
  if (fstatSync(log).size > LOG) ftruncateSync(log);
  const holder = spawn(node, [...command, verb === 'run' ? 'hold' : 'hold-waiting', '--image', folder], {
    stdio: ['ignore', log, log],
    detached: true,
    windowsHide: true,
    ...(env ? { env } : {}),
  });
  closeSync(log);
  let gone: number | undefined;
  holder.once('error', () => (gone = -1));
  holder.once('exit', (code) => (gone = code ?? -1));
  holder.unref();
  for (;;) {
    const ended = gone; // what it told last is read after it ended
    const status = readStatus(paths);
    if (status.pid === holder.pid) {
      if (status.state === 'running' || (verb === 'wait' && status.state === 'waiting')) return true;
      if (status.state === 'failed') throw failureOf(status);
    }
    if (ended === HELD_ELSEWHERE) return false;
    if (ended !== undefined)
      throw new MachineError(
        `the process that holds the machine ended (${ended}): ${lastLines(join(paths.home, 'holder.log'), 3)}`,
        `see ${paths.home}/holder.log`,
      );
    await sleep(20);
  }
}

export function failureOf(status: MachineStatus): MachineError {
  const failed = status.steps.find((step) => step.error !== undefined);
  return new MachineError(status.error ?? 'the machine failed', failed?.hint ?? `see ${status.console}`, failed?.step);
}

function lastLines(path: string, lines: number): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}
