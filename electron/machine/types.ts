import type { MachineSetting, MachineSettings, MachineStatus, SettingsOutcome, Step } from '../contract/machine.ts';

/** The parts of an image, as files on this host, and the disk that outlives it. */
export interface MachineFiles {
  kernel: string;
  initrd: string;
  root: string;
  data: string;
  console: string;
  /** the monitor's socket (Windows: a file for the pid, see `MachinePaths`) */
  monitor: string;
  /** the socket of the port over which the guest is told what makes this start this one, where starts are kept */
  begin: string;
}

export interface MachineConfig extends Pick<MachineSettings, 'cpus' | 'memory'> {
  files: MachineFiles;
  /** of the host's loopback, forwarded to the guest's SSH server */
  sshPort: number;
  shares: FolderShare[];
  beginning: Beginning;
}

/** What a guest that is prepared is told so that it goes on: all that is not the same at every start. */
export interface Beginning {
  /** the key that the guest lets in: base64 of the OpenSSH public key */
  publicKey: string;
  /** of the engine in the guest, e.g. proxies */
  environment: Record<string, string>;
}

interface Share {
  tag: string;
  path: string;
  writable: boolean;
}

/** Served by a program of this host, which listens on `socket`. */
export interface VirtiofsShare extends Share {
  how: 'virtiofs';
  socket: string;
}

/** A host folder that the guest mounts at the same path. 9p is served by QEMU itself. */
export type FolderShare = VirtiofsShare | (Share & { how: '9p' });

/** A port of this host that leads to the same or another of the guest. */
export interface HostForward {
  protocol: 'tcp' | 'udp';
  /** IPv4 */
  hostAddress: string;
  hostPort: number;
  guestPort: number;
}

/** What a driver can do here; callers ask these and not for the driver's name. */
export interface DriverCapabilities {
  /** runs at the processor's own speed */
  accelerated: boolean;
  /** gives memory that the guest frees back to the host */
  reclaimsMemory: boolean;
  growsDisk: boolean;
  sharedFolders: 'virtiofs' | '9p' | 'none';
  /** can keep the state of a guest that is prepared, and go on from it, where this host has room for its memory */
  keepsStarts: boolean;
}

export interface ResidentMemory {
  all: number;
  /** of it, the guest's own memory, where that can be told; the rest is the program that runs the guest */
  guest?: number;
}

/** A machine that was started. */
export interface MachineProcess {
  readonly pid: number;
  /** the reason when it ended by itself, or undefined after `kill` */
  readonly exited: Promise<string>;
  /** ends it at once */
  kill(): Promise<void>;
  /** has a prepared guest go on: gives it its data disk, its folders, and what it is to know. `signal` ends the wait for it to listen. */
  begin(signal: AbortSignal): Promise<void>;
  /** keeps the state of the guest, which is prepared and goes on afterwards, in an empty directory */
  keepStart(directory: string): Promise<void>;
  /** rejects when this host refuses the port */
  forward(rule: HostForward): Promise<void>;
  /** fine when there is none */
  unforward(rule: HostForward): Promise<void>;
  /** tells the guest that its data disk is so large now, in bytes */
  growDisk(size: number): Promise<void>;
  /** why it stands still, though nobody asked for that: this host had no room for a write, or could not write */
  standstill(): Promise<'no-room' | 'io-error' | undefined>;
  /** has it go on, with the write that it waited for */
  resume(): Promise<void>;
  /** bytes of this host's memory that the machine has */
  residentMemory(): Promise<ResidentMemory>;
}

export interface MachineDriver {
  readonly name: string;
  readonly accelerator: string;
  readonly capabilities: DriverCapabilities;
  /** what the user should know, e.g. that nothing accelerates */
  readonly warnings: readonly string[];
  /** `from`: the directory of a kept start; what it was made of must be what this one is made of, which `startKey` tells */
  start(config: MachineConfig, from?: string): Promise<MachineProcess>;
  /**
   * The same for all starts that can go on from each other's state, as far as the driver knows: its program, its arguments, this host.
   * undefined: this start cannot be kept.
   */
  startKey(config: MachineConfig): string | undefined;
}

/**
 * The machine as the application holds it. Each call may come while another goes on; the process that holds the machine puts them in
 * order. An expected failure is a MachineError: what happened, and what to do.
 */
export interface MachineControl {
  /** with memory and disk measured, for which the guest is asked */
  status(): Promise<MachineStatus>;
  /** the same without what must be measured: quick, and asks the guest for nothing */
  glance(): Promise<MachineStatus>;
  /** first the present state, then each change, until `signal`. Memory and disk are measured only while somebody watches. */
  watch(signal: AbortSignal): AsyncGenerator<MachineStatus>;
  /** resolves when the engine answers; at once when the machine runs already */
  start(): Promise<void>;
  /** holds the engine's socket: its next request starts the machine, waits, and is then served */
  wait(): Promise<void>;
  /** asks the guest to end, and ends it hard when it does not within `patience` milliseconds */
  stop(patience?: number): Promise<'clean' | 'hard' | 'not running'>;
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** stops the machine and removes its disk with every image, container and volume; settings stay */
  reset(): Promise<void>;
  /** those that were chosen: in force now, or after the next start */
  settings(): Promise<MachineSettings>;
  /** checks, keeps and applies what can be applied to a running machine */
  setSettings(change: Partial<MachineSettings>): Promise<SettingsOutcome>;
  /** the last lines of the guest's console */
  console(lines: number): Promise<string>;
}

/** What is in force only after a restart of a running machine. */
export const RESTART_SETTINGS: readonly MachineSetting[] = ['cpus', 'memory', 'folders'];

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
