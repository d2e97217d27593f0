import { availableParallelism, totalmem } from 'node:os';
import type {
  ConsoleUpdate,
  MachineHost,
  MachineSetting,
  MachineSettings,
  MachineStatus,
  SettingsOutcome,
} from '../contract/machine.ts';
import type { MachineControl } from '../machine/types.ts';
import { HostError, toAppError } from './failures.ts';
import { followFile } from './follow-file.ts';
import { Signal } from './signals.ts';

const MIB = 2 ** 20;

/** What the window asks of the machine. */
export class MachineService {
  /** told after each verb: the engine may be there now, or gone */
  readonly changed = new Signal<void>();
  readonly #control: MachineControl;
  #starting: Promise<void> | undefined;

  constructor(control: MachineControl) {
    this.#control = control;
  }

  /** as it is known, without a measurement */
  status = (): Promise<MachineStatus> => this.#control.glance();

  watch = (signal: AbortSignal): AsyncGenerator<MachineStatus> => this.#control.watch(signal);

  host(): MachineHost {
    return {
      cpus: availableParallelism(),
      memory: Math.floor(totalmem() / MIB),
      linux: process.platform === 'linux',
    };
  }

  /** Two windows that start it at once wait for the same start. */
  start(): Promise<void> {
    this.#starting ??= this.#then(this.#control.start()).finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  /** Its socket is there from now on, and the first request on it starts the machine. */
  wait = (): Promise<void> => this.#then(this.#control.wait());
  stop = async (): Promise<void> => {
    await this.#then(this.#control.stop());
  };
  kill = (): Promise<void> => this.#then(this.#control.kill());
  restart = (): Promise<void> => this.#then(this.#control.restart());
  reset = (): Promise<void> => this.#then(this.#control.reset());
  settings = (): Promise<MachineSettings> => this.#control.settings();

  /** One after the other, so that a refusal names the setting it is about. Those before it are kept. */
  async setSettings(change: Partial<MachineSettings>): Promise<SettingsOutcome> {
    const outcome: SettingsOutcome = { settings: await this.#control.settings(), applied: [], needsRestart: [] };
    for (const name of Object.keys(change) as MachineSetting[]) {
      if (change[name] === undefined) continue;
      try {
        const { settings, applied, needsRestart } = await this.#control.setSettings({ [name]: change[name] });
        outcome.settings = settings;
        outcome.applied.push(...applied);
        outcome.needsRestart.push(...needsRestart);
      } catch (error) {
        throw new HostError(toAppError(error, name));
      }
    }
    if (change.start === 'demand' && (await this.status()).state === 'stopped') await this.wait();
    return outcome;
  }

  async *console(signal: AbortSignal): AsyncGenerator<ConsoleUpdate> {
    const { console } = await this.status();
    yield* followFile(console, signal);
  }

  async #then<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } finally {
      this.changed.emit();
    }
  }
}
