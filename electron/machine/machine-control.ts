import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MachineStatus } from '../contract/machine.ts';
import { ask, demand } from './control.ts';
import { machineStatus, setMachine, watchMachine } from './held-machine.ts';
import type { MachinePaths } from './paths.ts';
import { endOrphan } from './qmp.ts';
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
  /** the folder with the image; built, or found built, by `berth machine start` itself when it is not given */
  image: () => Promise<string>;
}

/** The machine through the process that holds it; starts that process where there is none. */
export function createMachineControl(options: ControlOptions): MachineControl {
  const { paths } = options;
  const held = async () => (await ask(paths.control, { verb: 'ping' })) !== undefined;
  const begin = async (verb: 'run' | 'wait') => {
    if (await held()) return void (verb === 'run' ? await demand(paths.control, { verb: 'start' }) : undefined);
    await hold(options, verb);
  };
  const end = async (verb: 'stop' | 'kill') => {
    const answer = await demand(paths.control, { verb });
    if (answer === undefined) await endOrphan(paths.monitor);
    while (await held()) await sleep(20);
    return answer?.how === 'clean' || answer?.how === 'hard' ? answer.how : 'not running';
  };
  const control: MachineControl = {
    status: () => machineStatus(paths),
    glance: () => currentStatus(paths),
    start: () => begin('run'),
    wait: () => begin('wait'),
    stop: () => end('stop'),
    kill: async () => void (await end('kill')),
    async restart() {
      await end('stop');
      await begin('run');
    },
    async reset() {
      await end('stop');
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

/** Starts the process that holds the machine; resolves when the machine runs (`wait`: when its socket is there). */
async function hold({ paths, command, node = process.execPath, env, image }: ControlOptions, verb: 'run' | 'wait') {
  const folder = await image();
  mkdirSync(paths.home, { recursive: true, mode: 0o700 });
  rmSync(paths.status, { force: true });
  const log = openSync(join(paths.home, 'holder.log'), 'w', 0o600);
  const holder = spawn(node, [...command, verb === 'run' ? 'hold' : 'hold-waiting', '--image', folder], {
    stdio: ['ignore', log, log],
    detached: true,
    ...(env ? { env } : {}),
  });
  closeSync(log);
  let gone = false;
  holder.once('error', () => (gone = true));
  holder.once('exit', () => (gone = true));
  holder.unref();
  for (;;) {
    const status = readStatus(paths);
    if (status.state === 'running' || (verb === 'wait' && status.state === 'waiting')) return;
    if (status.state === 'failed') throw failureOf(status);
    if (gone) throw new MachineError('the process that holds the machine ended', `see ${paths.home}/holder.log`);
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
