/** What a machine can be set to. */
export interface MachineSettings {
  cpus: number;
  /** MiB */
  memory: number;
  /** GiB; grows in place, never shrinks */
  disk: number;
}
export const DEFAULT_SETTINGS: MachineSettings = { cpus: 2, memory: 2048, disk: 64 };

/** The parts of an image, as files on this host, and the disk that outlives it. */
export interface MachineFiles {
  kernel: string;
  initrd: string;
  root: string;
  data: string;
  console: string;
  /** the monitor's socket (Windows: a named pipe) */
  monitor: string;
}

export interface MachineConfig extends MachineSettings {
  files: MachineFiles;
  /** of the host's loopback, forwarded to the guest's SSH server */
  sshPort: number;
  /** the key that the guest lets in: base64 of the OpenSSH public key */
  publicKey: string;
}

/** What a driver can do here; callers ask these and not for the driver's name. */
export interface DriverCapabilities {
  /** runs at the processor's own speed */
  accelerated: boolean;
  /** gives memory that the guest frees back to the host */
  reclaimsMemory: boolean;
  growsDisk: boolean;
  sharedFolders: 'virtiofs' | '9p' | 'none';
}

/** A machine that was started. */
export interface MachineProcess {
  readonly pid: number;
  /** the reason when it ended by itself, or undefined after `kill` */
  readonly exited: Promise<string>;
  /** ends it at once */
  kill(): Promise<void>;
}

export interface MachineDriver {
  readonly name: string;
  readonly accelerator: string;
  readonly capabilities: DriverCapabilities;
  /** what the user should know, e.g. that nothing accelerates */
  readonly warnings: readonly string[];
  start(config: MachineConfig): Promise<MachineProcess>;
}

export const STEPS = ['process', 'kernel', 'init', 'mounted', 'ssh', 'engine'] as const;
export type Step = (typeof STEPS)[number];
export type MachineState = 'stopped' | 'starting' | 'running' | 'stopping' | 'failed';

/** A row of the readiness table: milliseconds since the start, or why it failed and what to do. */
export interface StepReport {
  step: Step;
  at?: number;
  error?: string;
  hint?: string;
}

/** What `berth machine status --json` prints. */
export interface MachineStatus {
  state: MachineState;
  /** the engine's socket on this host; there while running */
  socket: string;
  pid?: number;
  driver?: string;
  accelerator?: string;
  image?: string;
  /** of the host's loopback: the guest's SSH server */
  sshPort?: number;
  settings?: MachineSettings;
  steps: StepReport[];
  warnings: string[];
  error?: string;
  console: string;
}

/** An expected failure: what, and what the user can do. */
export class MachineError extends Error {
  readonly hint: string;
  readonly step: Step | undefined;

  constructor(message: string, hint: string, step?: Step) {
    super(message);
    this.name = 'MachineError';
    this.hint = hint;
    this.step = step;
  }
}
