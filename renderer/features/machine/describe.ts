import type {
  DiskPicture,
  MachineSetting,
  MachineState,
  MachineStatus,
  MemoryPicture,
  Step,
  StepReport,
} from '../../../electron/contract/machine.ts';

/** The command line's words, as the window writes them. */
export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export type Tone = 'good' | 'wait' | 'off' | 'bad';

export const stateWords: Record<MachineState, { word: string; tone: Tone; text: string }> = {
  stopped: { word: 'Stopped', tone: 'off', text: 'Nothing of it runs. Its disk is kept.' },
  waiting: { word: 'Asleep', tone: 'off', text: 'The next request on its socket starts it.' },
  starting: { word: 'Starting', tone: 'wait', text: 'The engine answers when the last step is done.' },
  running: { word: 'Running', tone: 'good', text: 'Its engine answers.' },
  stopping: { word: 'Stopping', tone: 'wait', text: 'Containers end in order, then the guest.' },
  failed: { word: 'Failed', tone: 'bad', text: '' },
};

export const stepWords: Record<Step, { name: string; what: string }> = {
  process: { name: 'Process', what: 'QEMU is started' },
  kernel: { name: 'Kernel', what: 'Linux says its first word' },
  init: { name: 'Init', what: 'the first program of the guest runs' },
  prepared: { name: 'Prepared', what: 'all that is the same at every start is loaded' },
  mounted: { name: 'Disk', what: 'the data disk is checked and mounted' },
  ssh: { name: 'Connection', what: 'the guest lets this computer in' },
  engine: { name: 'Engine', what: 'it answers on its socket here' },
};

export interface WaterfallRow {
  step: Step;
  /** of the whole width, 0 to 1: where the step began and how long it took */
  from: number;
  width: number;
  /** milliseconds from the start, and what this step took of them */
  at?: number;
  took?: number;
  /** done in an earlier start */
  kept?: boolean;
  state: 'done' | 'doing' | 'failed' | 'ahead';
  error?: string;
  hint?: string;
}

/** Each step begins where the one before ended. While the machine starts, the step under way grows until `elapsed`. */
export function waterfall(steps: readonly StepReport[], state: MachineState, elapsed = 0): WaterfallRow[] {
  const times = steps.map(({ at }) => at ?? 0);
  const growing = state === 'starting' ? elapsed : 0;
  const whole = Math.max(1, ...times, growing);
  let before = 0;
  let open = state === 'starting';
  return steps.map(({ step, at, error, hint, kept }) => {
    const from = before / whole;
    if (error !== undefined) {
      open = false;
      return { step, from, width: 0, state: 'failed', error, ...(hint ? { hint } : {}) };
    }
    if (at === undefined) {
      const doing = open;
      open = false;
      const width = doing ? Math.max(0, growing - before) / whole : 0;
      return { step, from, width, state: doing ? 'doing' : 'ahead' };
    }
    const took = at - before;
    before = at;
    return { step, from, width: took / whole, at, took, state: 'done', ...(kept ? { kept } : {}) };
  });
}

export const seconds = (ms: number): string => (ms < 100 ? `${ms} ms` : `${(ms / 1000).toFixed(2)} s`);

export interface Part {
  key: string;
  label: string;
  bytes: number;
  hint?: string;
}

/** Parts that add up to what the guest was given; those that can be had back stand beside what is free. */
export function memoryParts(memory: MemoryPicture): Part[] {
  return [
    { key: 'containers', label: 'Containers', bytes: memory.containers },
    { key: 'engine', label: 'Engine and guest', bytes: memory.engine },
    { key: 'kernel', label: 'Kernel', bytes: memory.kernel },
    { key: 'cache', label: 'Page cache', bytes: memory.cache, hint: 'given up on demand' },
    { key: 'free', label: 'Free', bytes: memory.free },
  ];
}

/** Of the size the guest sees: what its files take, what this computer holds beside that, what takes no room here. */
export function diskParts(disk: DiskPicture): Part[] {
  const held = Math.max(0, disk.host - disk.used);
  return [
    { key: 'used', label: 'Files', bytes: disk.used },
    { key: 'held', label: 'Beside them', bytes: held, hint: 'the file system’s own; freed, given back soon' },
    { key: 'free', label: 'Takes no room here', bytes: Math.max(0, disk.size - Math.max(disk.used, disk.host)) },
  ];
}

export const settingWords: Record<MachineSetting, string> = {
  cpus: 'CPUs',
  memory: 'memory',
  disk: 'disk',
  folders: 'shared folders',
  start: 'when it starts',
  idleMinutes: 'when it stops',
};

/** "CPUs and memory" */
export function settingList(names: readonly MachineSetting[]): string {
  const words = [...new Set(names)].map((name) => settingWords[name]);
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** "QEMU, emulated (TCG)" */
export function driverWords({ driver, accelerator }: Pick<MachineStatus, 'driver' | 'accelerator'>): string {
  if (!driver) return '';
  const name = driver === 'qemu' ? 'QEMU' : driver;
  if (!accelerator) return name;
  return accelerator === 'tcg' ? `${name}, emulated` : `${name} with ${accelerator.toUpperCase()}`;
}
