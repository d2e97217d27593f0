/** What is known of the machine (the Linux guest that runs the engine), as plain data. Sizes in bytes where nothing else is said. */

/** A folder of the host that the guest has at the same path. */
export interface SharedFolder {
  /** absolute; `~` at the beginning stands for the home directory */
  path: string;
  writable: boolean;
}

/** When the machine starts: by hand, with the application, or by the first request on the engine's socket. */
export const START_MODES = ['manual', 'application', 'demand'] as const;
export type StartMode = (typeof START_MODES)[number];

/** What a machine can be set to. */
export interface MachineSettings {
  cpus: number;
  /** MiB */
  memory: number;
  /** GiB; grows in place, never shrinks */
  disk: number;
  folders: SharedFolder[];
  start: StartMode;
  /** minutes without a running container and without a request until the machine is stopped; 0: never */
  idleMinutes: number;
}

export type MachineSetting = keyof MachineSettings;

/** What became of a change of settings: what is in force now, and what waits for the machine's next start. */
export interface SettingsOutcome {
  settings: MachineSettings;
  applied: MachineSetting[];
  needsRestart: MachineSetting[];
}

export const STEPS = ['process', 'kernel', 'init', 'prepared', 'mounted', 'ssh', 'engine'] as const;
export type Step = (typeof STEPS)[number];

/** `waiting`: stopped, and started by the next request on the engine's socket. */
export const MACHINE_STATES = ['stopped', 'waiting', 'starting', 'running', 'stopping', 'failed'] as const;
export type MachineState = (typeof MACHINE_STATES)[number];

/** A row of the readiness table: milliseconds since the start, or why it failed and what to do. */
export interface StepReport {
  step: Step;
  at?: number;
  /** done in an earlier start, whose state this one went on from: `at` is when that was loaded */
  kept?: boolean;
  error?: string;
  hint?: string;
}

/** A published port of a container on this host. */
export interface PortForward {
  protocol: 'tcp' | 'udp';
  /** the address on this host: what was asked for, as far as this host has it */
  hostAddress: string;
  port: number;
  container: string;
  state: 'open' | 'refused';
  /** why it is refused, in words */
  error?: string;
  /** who has the port, where that can be told: "nginx (pid 1234)" */
  owner?: string;
}

export interface FolderReport extends SharedFolder {
  how: 'virtiofs' | '9p' | 'none';
  state: 'mounted' | 'failed';
  error?: string;
  /** what containers are told of changes made on this host; `none` with the reason in `notifyLimit` */
  notify: 'all' | 'part' | 'none';
  notifyLimit?: string;
  /** what does not hold of the owners of files, in words */
  ownerLimit?: string;
}

/** The guest's memory, one picture: the parts add up to `total`. */
export interface MemoryPicture {
  /** what the guest was given */
  total: number;
  /** of the containers, without their page cache */
  containers: number;
  /** the engine and the rest of the guest's programs */
  engine: number;
  /** page cache and reclaimable kernel memory: given up when something else needs it */
  cache: number;
  /** kernel memory that cannot be given up */
  kernel: number;
  free: number;
  /** what this host has really given: the resident memory of the machine's process */
  host: number;
  /** of it, the guest's memory, where that can be told; the rest is the program that runs the guest */
  hostGuest?: number;
}

export interface DiskPicture {
  /** the size that the guest sees */
  size: number;
  /** what the guest's file system has in use */
  used: number;
  /** what the image file takes on this host */
  host: number;
  /** what is left on this host's file system for the image file to grow */
  hostFree: number;
}

/** Why a machine that runs does nothing: this host cannot write its disk. */
export interface Standstill {
  why: string;
  /** what the user can do */
  hint: string;
}

/** `reconnecting`: the guest runs and the connection to it is being made again; requests wait. `refused`: that would not help. */
export type ConnectionState = 'none' | 'connected' | 'reconnecting' | 'refused';

/** Everything that `berth machine status --json` prints and the window shows. */
export interface MachineStatus {
  state: MachineState;
  /** the engine's socket on this host; there while running, and while waiting for the first request */
  socket: string;
  /** of the process that holds the machine */
  pid?: number;
  driver?: string;
  accelerator?: string;
  /** the folder of the image that runs, or ran last */
  image?: string;
  imageVersion?: string;
  /** of its manifest, which has the digest of every part: "sha256:…" */
  imageDigest?: string;
  /** of the host's loopback: the guest's SSH server */
  sshPort?: number;
  /** those in force; `pending` names what differs from what was chosen and waits for a restart */
  settings?: MachineSettings;
  pending?: MachineSetting[];
  steps: StepReport[];
  /** milliseconds since the epoch */
  startedAt?: number;
  connection?: ConnectionState;
  /** why the connection is refused, and what to do */
  refusal?: { error: string; hint: string };
  ports?: PortForward[];
  folders?: FolderReport[];
  memory?: MemoryPicture;
  disk?: DiskPicture;
  standstill?: Standstill | undefined;
  /** it was ended without its consent, since it did not stop in time; until the next start */
  endedHard?: boolean;
  /** when the machine stops by itself unless it is used: milliseconds since the epoch */
  idleStopAt?: number;
  warnings: string[];
  /** what is being prepared before the machine's process starts: "the image is being built" */
  progress?: string;
  error?: string;
  /** the path of the console's log */
  console: string;
}

/** What this host has to give to the machine, and whether it needs one. */
export interface MachineHost {
  cpus: number;
  /** MiB */
  memory: number;
  /** false: this host's kernel is no Linux, and containers need the machine */
  linux: boolean;
}

/** The kept console: first what is there, then what comes; `begin` each time when the machine starts a new one. */
export type ConsoleUpdate = { kind: 'begin' } | { kind: 'lines'; lines: string[] } | { kind: 'caughtUp' };
