import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  closeSync,
  openSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineClient } from '../engine/client.ts';
import { SshConnection } from './connection.ts';
import { followConsole, type ConsoleEvent } from './console.ts';
import { imageRemedy } from './image-place.ts';
import type { MachineImage } from './image.ts';
import { KeptStarts } from './kept-starts.ts';
import type { MachinePaths } from './paths.ts';
import { engineEnvironment } from './host-environment.ts';
import { engineStream, engineTransport } from './engine-stream.ts';
import { freePort } from './free-port.ts';
import { Readiness } from './readiness.ts';
import { runOver } from '../engine/ssh-exec.ts';
import { askToPowerOff, machineKey, REFUSED, STRANGER } from './ssh.ts';
import { watchStandstill } from './standstill.ts';
import type { MachineSettings, Standstill } from '../contract/machine.ts';
import { MachineError, type FolderShare, type MachineDriver, type MachineProcess } from './types.ts';

const GIB = 2 ** 30;

export interface Machine {
  readonly process: MachineProcess;
  readonly ssh: SshConnection;
  readonly sshPort: number;
  /** folders of this host that the guest has */
  readonly shares: readonly FolderShare[];
  /** by tag: why the guest could not mount one of them */
  readonly unshared: ReadonlyMap<string, string>;
  /** a stream to the engine's socket */
  engine(): Promise<Duplex>;
  /** asks the guest to end; after `patience` milliseconds it is ended. Says which of the two it was. */
  stop(patience?: number): Promise<'clean' | 'hard'>;
}

export interface StartOptions {
  paths: MachinePaths;
  image: MachineImage;
  settings: MachineSettings;
  driver: MachineDriver;
  readiness: Readiness;
  /** served already: the guest mounts them before its engine starts */
  shares: FolderShare[];
  /** gives the start up */
  signal: AbortSignal;
  /** milliseconds until `_ping` must answer */
  patience?: number;
  /** hears what the user should know */
  warn(warning: string): void;
}

/** A start that went on from a kept one did not get ready: the next one boots. */
export class KeptStartFailed extends Error {
  constructor(cause: unknown) {
    super(`the kept start did not get ready: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Starts the machine, from a kept start or by booting, and resolves when its engine answers. When it fails, nothing of it goes on. */
export async function startMachine(options: StartOptions): Promise<Machine> {
  const { paths, settings, driver, image, readiness } = options;
  mkdirSync(paths.home, { recursive: true, mode: 0o700 });
  mkdirSync(paths.run, { recursive: true, mode: 0o700 });
  prepareDisk(paths.data, settings.disk);
  const { privateKey, publicKey } = machineKey(paths.key);
  if (existsSync(paths.console)) renameSync(paths.console, `${paths.console}.1`);
  rmSync(paths.monitor, { force: true });
  rmSync(paths.begin, { force: true });
  const sshPort = await freePort();
  const { data, console, monitor, begin } = paths;
  const { cpus, memory } = settings;
  const beginning = { publicKey, environment: engineEnvironment() };
  const config = {
    cpus,
    memory,
    files: { ...image, data, console, monitor, begin },
    sshPort,
    shares: options.shares,
    beginning,
  };
  const kept = new KeptStarts(paths.starts);
  const from = kept.find(driver, image, config);
  if (from !== undefined) readiness.reached('process');
  const started = await driver.start(config, from).catch((error: unknown) => {
    if (from === undefined) throw error;
    kept.forget();
    throw new KeptStartFailed(error);
  });
  readiness.reached('process');

  const over = new AbortController();
  const unshared = new Map<string, string>();
  const { prepared, booted } = watchBoot(paths, readiness, unshared, over.signal);
  const died = started.exited.then((why) => {
    throw new MachineError(`the machine ended while it started: ${why}`, `see ${paths.console}`, readiness.next());
  });
  died.catch(() => undefined);
  const late = sleep(options.patience ?? 180_000, undefined, { signal: over.signal, ref: false }).then(() => {
    const log = readiness.next() === 'engine' ? `${paths.console}.engine` : paths.console;
    throw new MachineError('the machine did not become ready in time', `see ${log}`, readiness.next());
  });
  late.catch(() => undefined);
  const cancelled = new Promise<never>((_done, fail) => {
    const cancel = () => fail(new MachineError('the start was given up', 'berth machine start', readiness.next()));
    if (options.signal.aborted) cancel();
    options.signal.addEventListener('abort', cancel, { once: true });
  });
  cancelled.catch(() => undefined);
  const still = untilStandstill(started, paths.data, readiness, over.signal);
  still.catch(() => undefined);
  const first = <T>(work: Promise<T>) => Promise.race([work, died, late, cancelled, still]);
  let ssh: SshConnection | undefined;
  try {
    if (from === undefined) {
      await first(Promise.race([prepared, booted])); // the latter when it fails
      const why = await first(kept.keep(driver, image, config, started));
      if (why !== undefined) options.warn(`The start of the machine could not be kept for the next one: ${why}`);
    } else readiness.reached('prepared', true);
    await first(started.begin(over.signal));
    const hostKey = pinned(paths.hostKey, await first(booted));
    ssh = new SshConnection({ host: '127.0.0.1', port: sshPort, privateKey, hostKey });
    await first(ssh.client());
    readiness.reached('ssh');
    await first(untilPing(ssh, over.signal));
    readiness.reached('engine');
  } catch (error) {
    if (!options.signal.aborted) await keepEngineLog(ssh, `${paths.console}.engine`);
    ssh?.close();
    await started.kill();
    if (from === undefined || options.signal.aborted) throw error;
    kept.forget();
    // who has the wrong key has it after a boot too
    throw error === STRANGER || error === REFUSED ? error : new KeptStartFailed(error);
  } finally {
    over.abort();
  }
  const connection = ssh;
  return {
    process: started,
    ssh: connection,
    sshPort,
    shares: options.shares,
    unshared,
    engine: () => engineStream(connection),
    stop: (patience = 20_000) => stop(started, connection, patience),
  };
}

/** A guest that stands still does not get ready: it is given up, with the reason, and not when the time is over. */
async function untilStandstill(
  process: MachineProcess,
  data: string,
  readiness: Readiness,
  signal: AbortSignal,
): Promise<never> {
  return new Promise((_done, fail) => {
    const tell = (found: Standstill | undefined) => {
      if (found) fail(new MachineError(found.why, found.hint, readiness.next()));
    };
    void watchStandstill({ ...process, resume: () => Promise.resolve() }, data, tell, () => Promise.resolve(), signal);
  });
}

/** What the engine said, for who looks for the reason; gone with the guest otherwise. */
async function keepEngineLog(ssh: SshConnection | undefined, path: string): Promise<void> {
  const client = await Promise.race([ssh?.client().catch(() => undefined), sleep(1_000)]);
  if (!client) return;
  const told = runOver(client, 'tail -n 200 /run/berth/engine.log').catch(() => undefined);
  const result = await Promise.race([told, sleep(10_000)]);
  if (result) writeFileSync(path, result.stdout, { mode: 0o600 });
}

async function stop(process: MachineProcess, ssh: SshConnection, patience: number): Promise<'clean' | 'hard'> {
  const asked = Promise.race([ssh.client(), sleep(patience / 2)]).then(async (client) => {
    if (client) await askToPowerOff(client);
  });
  asked.catch(() => undefined);
  const clean = await Promise.race([process.exited.then(() => true), sleep(patience, false, { ref: false })]);
  ssh.close();
  if (!clean) await process.kill();
  return clean ? 'clean' : 'hard';
}

/** Sparse; a larger size is taken over at once (the guest grows its file system at its start), a smaller one is not. */
export function prepareDisk(path: string, gibibytes: number): void {
  if (!existsSync(path)) closeSync(openSync(path, 'wx', 0o600));
  if (statSync(path).size < gibibytes * GIB) truncateSync(path, gibibytes * GIB);
}

/** Follows the console until the guest shows its host key there, which it does when it serves SSH. */
function watchBoot(
  paths: MachinePaths,
  readiness: Readiness,
  unshared: Map<string, string>,
  signal: AbortSignal,
): { prepared: Promise<void>; booted: Promise<string> } {
  const { promise: prepared, resolve: isPrepared } = Promise.withResolvers<void>();
  const booted = new Promise<string>((done, fail) => {
    const tell = (event: ConsoleEvent) => {
      if (event.kind === 'output') readiness.reached('kernel');
      else if (event.kind === 'hostkey') done(event.key);
      else if (event.kind === 'unshared') unshared.set(event.tag, event.why);
      else if (event.kind === 'step' && event.step === 'init') readiness.reached('init');
      else if (event.kind === 'step' && event.step === 'prepared') {
        readiness.reached('prepared');
        isPrepared();
      } else if (event.kind === 'step' && event.step === 'mounted') readiness.reached('mounted');
      else if (event.kind === 'failed') fail(new MachineError(event.why, hintFor(event.step), readiness.next()));
      else if (event.kind === 'panic')
        fail(new MachineError(`the guest's kernel stopped: ${event.why}`, `see ${paths.console}`, readiness.next()));
    };
    followConsole(paths.console, signal, tell).catch(fail);
  });
  booted.catch(() => undefined);
  return { prepared, booted };
}

const hintFor = (step: string) =>
  step === 'data'
    ? 'the data disk holds the images and containers: free space on the host, or begin anew with berth machine reset'
    : imageRemedy(true);

/** The host key of the first start is the one of all starts. */
function pinned(path: string, shown: string): string {
  if (shown === '') throw new MachineError('the guest showed no host key', 'berth machine reset', 'ssh');
  if (!existsSync(path)) writeFileSync(path, `${shown}\n`, { mode: 0o600 });
  return readFileSync(path, 'utf8').trim();
}

/** The first answer of the engine; until its socket is there, the guest refuses the stream at once. */
async function untilPing(ssh: SshConnection, signal: AbortSignal): Promise<void> {
  const client = new EngineClient(engineTransport('machine', () => engineStream(ssh, Number.POSITIVE_INFINITY)));
  while (!signal.aborted) {
    const answered = await client.ping(signal).then(
      () => true,
      () => sleep(50, false),
    );
    if (answered) break;
  }
  client.close();
}
