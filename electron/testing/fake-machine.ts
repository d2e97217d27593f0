import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STEPS, type MachineSettings, type MachineStatus, type SettingsOutcome } from '../contract/machine.ts';
import { Latest } from '../host/signals.ts';
import { MachineError, type MachineControl } from '../machine/types.ts';

/** A machine without a guest: what is asked of it is remembered, its state is the test's to change. Its socket may be a fake engine's. */
export class FakeMachine implements MachineControl {
  readonly directory = mkdtempSync(join(tmpdir(), 'berth-fake-machine-'));
  readonly asked: string[] = [];
  readonly state: Latest<MachineStatus>;
  /** what `start` fails with; undefined: it goes well */
  failure: MachineError | undefined;
  chosen: MachineSettings = { cpus: 2, memory: 2048, disk: 64, folders: [], start: 'manual', idleMinutes: 0 };

  constructor(socket?: string) {
    this.state = new Latest<MachineStatus>({
      state: 'stopped',
      socket: socket ?? join(this.directory, 'none.sock'),
      steps: STEPS.map((step) => ({ step })),
      warnings: [],
      console: join(this.directory, 'console.log'),
    });
  }

  change(change: Partial<MachineStatus>): void {
    this.state.set({ ...this.state.value, ...change });
  }
  status = (): Promise<MachineStatus> => Promise.resolve(this.state.value);
  glance = this.status;
  watch = (signal: AbortSignal): AsyncGenerator<MachineStatus> => this.state.watch(signal);

  async start(): Promise<void> {
    this.asked.push('start');
    if (this.failure) {
      this.change({ state: 'failed', error: this.failure.message });
      throw this.failure;
    }
    this.change({ state: 'running' });
  }
  async wait(): Promise<void> {
    this.asked.push('wait');
    this.change({ state: 'waiting' });
  }
  async stop(): Promise<'clean'> {
    this.asked.push('stop');
    this.change({ state: 'stopped' });
    return 'clean';
  }
  async kill(): Promise<void> {
    await this.stop();
  }
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }
  async reset(): Promise<void> {
    this.asked.push('reset');
    this.change({ state: 'stopped' });
  }
  settings = (): Promise<MachineSettings> => Promise.resolve(this.chosen);

  async setSettings(change: Partial<MachineSettings>): Promise<SettingsOutcome> {
    if ((change.cpus ?? 1) > 64) throw new MachineError('the machine cannot have so many', 'choose fewer');
    this.chosen = { ...this.chosen, ...change };
    const names = Object.keys(change) as (keyof MachineSettings)[];
    return {
      settings: this.chosen,
      applied: names.filter((name) => name !== 'cpus'),
      needsRestart: names.filter((name) => name === 'cpus'),
    };
  }
  console = (): Promise<string> => Promise.resolve('');

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
