import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { MachineSettings, MachineStatus, SettingsOutcome } from '../contract/machine.ts';
import { machineStatus, setMachine, watchMachine } from '../machine/held-machine.ts';
import { machinePaths, type MachinePaths } from '../machine/paths.ts';
import { readSettings } from '../machine/settings.ts';
import { currentStatus } from '../machine/status.ts';
import { MachineError, type MachineControl } from '../machine/types.ts';
import { machineCommand, type Command } from './berth-command.ts';

interface Ended {
  code: number | null;
  out: string;
  errors: string;
}

/**
 * The machine through `berth machine`, the command: the process that holds it outlives this one, and a terminal and the window may each start and
 * stop it.
 */
export class CommandLineMachine implements MachineControl {
  readonly #command: Command;
  readonly #env: NodeJS.ProcessEnv;
  readonly #paths: MachinePaths;
  /** the last thing that `berth machine start` said of what it prepares; undefined while none runs */
  #preparing: string | undefined;
  /** `berth machine start`, while it runs */
  #starter: ChildProcess | undefined;

  constructor(env: NodeJS.ProcessEnv = process.env, command = machineCommand()) {
    this.#env = env;
    this.#command = command;
    this.#paths = machinePaths(env);
  }

  status = (): Promise<MachineStatus> => this.#withProgress(machineStatus(this.#paths));
  glance = (): Promise<MachineStatus> => this.#withProgress(currentStatus(this.#paths));

  /** Before there is a process that holds the machine, only this one knows that it is being started. */
  async #withProgress(known: Promise<MachineStatus>): Promise<MachineStatus> {
    const status = await known;
    if (this.#preparing === undefined || status.state === 'running' || status.state === 'starting') return status;
    const { socket, console, settings } = status;
    const steps = status.steps.map(({ step }) => ({ step }));
    return {
      state: 'starting',
      socket,
      console,
      steps,
      warnings: [],
      progress: this.#preparing,
      ...(settings ? { settings } : {}),
    };
  }

  watch = (signal: AbortSignal): AsyncGenerator<MachineStatus> => watchMachine(this.#paths, signal, this.glance);

  async start(): Promise<void> {
    this.#preparing ??= '';
    try {
      const ended = await this.#run('start', (line) => (this.#preparing = line));
      if (ended.code !== 0) throw await this.#failure(ended);
    } finally {
      this.#preparing = undefined;
      this.#starter = undefined;
    }
  }

  wait = (): Promise<void> => this.#must('wait');

  async stop(): Promise<'clean' | 'hard' | 'not running'> {
    const ended = await this.#run('stop');
    if (ended.code !== 0) throw await this.#failure(ended);
    if (ended.out.includes('does not run')) return 'not running';
    return ended.out.includes('hard') ? 'hard' : 'clean';
  }

  /** Also what is only being prepared: nobody holds a machine then. */
  async kill(): Promise<void> {
    this.#starter?.kill();
    await this.#must('kill');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async reset(): Promise<void> {
    await this.#must('reset');
  }

  settings(): Promise<MachineSettings> {
    return Promise.resolve(readSettings(this.#paths));
  }

  setSettings = (change: Partial<MachineSettings>): Promise<SettingsOutcome> => setMachine(this.#paths, change);

  async console(lines: number): Promise<string> {
    const text = await readFile(this.#paths.console, 'latin1').catch(() => '');
    return text.split('\n').slice(-lines).join('\n');
  }

  async #must(verb: string): Promise<void> {
    const ended = await this.#run(verb);
    if (ended.code !== 0) throw await this.#failure(ended);
  }

  /** What the machine says of its failure, else what the command said. */
  async #failure(ended: Ended): Promise<MachineError> {
    const status = await currentStatus(this.#paths);
    const failed = status.steps.find(({ error }) => error !== undefined);
    if (status.state === 'failed') return new MachineError(status.error ?? '', failed?.hint ?? '', failed?.step);
    return spoken(ended);
  }

  #run(verb: string, hear: (line: string) => void = () => undefined): Promise<Ended> {
    return new Promise((done, fail) => {
      const { program, args, env } = this.#command;
      const child = spawn(program, [...args, verb], {
        env: { ...this.#env, ...env },
        cwd: '/',
        stdio: ['ignore', 'pipe', 'pipe'],
        windowsHide: true,
      });
      if (verb === 'start') this.#starter = child;
      const ended: Ended = { code: null, out: '', errors: '' };
      child.stdout.on('data', (chunk: Buffer) => (ended.out += chunk.toString('utf8')));
      child.stderr.on('data', (chunk: Buffer) => {
        ended.errors += chunk.toString('utf8');
        const line = chunk.toString('utf8').trim().split('\n').at(-1);
        if (line) hear(line);
      });
      child.once('error', (error) => fail(new MachineError(`berth machine cannot be run: ${error.message}`, '')));
      child.once('close', (code) => done({ ...ended, code }));
    });
  }
}

/** "berth machine: what" and "what to do: hint", as the command prints them. */
export function spoken(ended: { code: number | null; errors: string }): MachineError {
  const what = /berth machine(?: \w+)?: (.+)/.exec(ended.errors)?.[1];
  const hint = /what to do: +(.+)/.exec(ended.errors)?.[1];
  return new MachineError(what ?? `berth machine ended with status ${ended.code}`, hint ?? '');
}
