import type { ConsoleConnection } from './console-connection.ts';
import type { OciSpec } from './oci.ts';

/** What is to be supervised. The bundle directory holds config.json and gets conmon's sockets and FIFOs. */
export interface SupervisedContainer {
  id: string;
  name: string;
  bundle: string;
  tty: boolean;
  /** the process gets a pipe for its stdin, else /dev/null */
  stdin: boolean;
  /** stdin outlives the client that wrote to it */
  leaveStdinOpen: boolean;
  /** where conmon writes what the process says (k8s-file); undefined keeps nothing */
  logPath: string | undefined;
  /** on the host, of the process in a user namespace of its own: gets its pipes */
  owner?: { uid: number; gid: number } | undefined;
}

/** A made, not yet started process. */
export interface CreatedProcess {
  pid: number;
  /** see process-identity.ts */
  startTime: number;
  monitorPid: number;
}

/** One process more in a running container. */
export interface ExecRequest {
  containerId: string;
  /** OCI process as JSON */
  process: string;
  /** directory of its own, made by the caller, removed by it too */
  directory: string;
  tty: boolean;
  stdin: boolean;
  /** as SupervisedContainer.owner */
  owner?: { uid: number; gid: number } | undefined;
}

/** A running exec. Streams are absent where the exec has a TTY: then everything goes through `console`. */
export interface RunningExec {
  pid(): Promise<number>;
  readonly console: ConsoleConnection;
  /** resolves with the exit code when the process has ended and all it wrote was handed over */
  readonly exited: Promise<number>;
  resize(height: number, width: number): Promise<void>;
  /** Ends the command and all that descends from it; nothing when it has ended. */
  kill(): Promise<void>;
}

/** Makes and watches processes: conmon plus an OCI runtime. */
export interface Supervisor {
  /** The configuration as this runtime is best given it; to be written as config.json of the bundle. */
  adapt?(id: string, spec: OciSpec): OciSpec;
  /** Throws RuntimeFailure; nothing is left behind then but what `discard` removes. */
  create(container: SupervisedContainer): Promise<CreatedProcess>;
  start(id: string): Promise<void>;
  /** Removes the runtime's own state of a container whose processes are gone. */
  discard(id: string): Promise<void>;
  /** Connects to the streams of a made or running container. */
  attach(bundle: string): Promise<ConsoleConnection>;
  resize(bundle: string, height: number, width: number): Promise<void>;
  /** After the log file was renamed: conmon opens a new one. */
  reopenLog(bundle: string): Promise<void>;
  exec(request: ExecRequest): Promise<RunningExec>;
}
