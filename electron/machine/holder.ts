import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';
import type { MachineSettings, MachineStatus } from '../contract/machine.ts';
import { Latest, pause } from '../host/signals.ts';
import { changeSettings } from './change-settings.ts';
import { HELD_ELSEWHERE, serveControl, type Answer, type Request } from './control.ts';
import { EngineSocket } from './engine-socket.ts';
import { untilIdleStop } from './idle.ts';
import { measure, watchMeasured } from './measure.ts';
import type { MachinePaths } from './paths.ts';
import { tryLock } from './process-lock.ts';
import { Readiness } from './readiness.ts';
import { openSession, type Session } from './session.ts';
import { readSettings } from './settings.ts';
import { withoutRoom } from './standstill.ts';
import { startWith, type HeldMachine } from './start-with.ts';
import { writeStatus } from './status.ts';
import { MachineError } from './types.ts';

const IDLE_BEAT = 1_000;
/** Milliseconds that the guest has to tell of its memory and disk. */
const MEASURE = 8_000;
/** Milliseconds; shorter in tests. */
const MINUTE = Number(process.env['BERTH_MACHINE_MINUTE'] ?? 60_000);

interface Running {
  machine: HeldMachine;
  session: Session;
}

/**
 * Holds a machine and the engine's socket on this host: starts it, at once or by the first request on that socket, and stops it when it
 * is asked to or when nobody uses it. Ends when it was asked to stop, or when a machine that nobody waits for has ended.
 */
export class Holder {
  readonly #paths: MachinePaths;
  readonly #image: string;
  readonly #board: Latest<MachineStatus>;
  readonly #socket = new EngineSocket(() => this.#stream());
  readonly #over = new AbortController();
  /** ends a start that goes on */
  readonly #giveUp = new AbortController();
  #readiness = new Readiness();
  #running: Running | undefined;
  #starting: Promise<Running> | undefined;
  #stopping: Promise<string> | undefined;
  /** the socket outlives the machine: the next request starts it again */
  #waits: boolean;
  #code = 0;
  /** of the last start, for who asks for one while this process ends because of it */
  #failure: unknown;

  constructor(paths: MachinePaths, image: string, waits: boolean) {
    mkdirSync(paths.home, { recursive: true, mode: 0o700 });
    mkdirSync(paths.run, { recursive: true, mode: 0o700 });
    this.#paths = paths;
    this.#image = image;
    this.#waits = waits;
    this.#board = new Latest<MachineStatus>({
      state: waits ? 'waiting' : 'starting',
      socket: paths.socket,
      pid: process.pid,
      image,
      settings: readSettings(paths),
      pending: [],
      steps: this.#readiness.report(),
      warnings: [],
      console: paths.console,
    });
  }

  /** Until the machine is not held any more; gives the exit code. */
  async run(): Promise<number> {
    // Kept until this process ends. Whether the control socket answers says too little: of two that begin at once, both would find it silent.
    if (!tryLock(this.#paths.lock)) return HELD_ELSEWHERE;
    const control = await serveControl(this.#paths.control, {
      answer: (request) => this.#answer(request),
      watch: (signal) => watchMeasured(this.#board, () => this.#look(), AbortSignal.any([signal, this.#over.signal])),
    });
    process.on('SIGTERM', () => void this.#end());
    process.on('SIGINT', () => void this.#end());
    this.#tell({});
    await this.#socket.listen(this.#paths.socket);
    if (!this.#waits) this.#start().catch(() => this.#finish(1));
    void this.#stopWhenIdle();
    await pause(2 ** 31 - 1, this.#over.signal);
    await this.#close(control);
    return this.#code;
  }

  async #close(control: Server): Promise<void> {
    this.#socket.close();
    await rm(this.#paths.socket, { force: true });
    // who waits for the answer to `stop` gets it
    await Promise.race([new Promise((done) => control.close(done)), pause(500, new AbortController().signal)]);
  }

  #finish(code: number): void {
    this.#code = code;
    this.#over.abort();
  }

  #tell = (change: Partial<MachineStatus>): void => {
    this.#board.set({ ...this.#board.value, ...change, steps: this.#readiness.report() });
    writeStatus(this.#paths, this.#board.value);
  };

  async #answer(request: Exclude<Request, { verb: 'watch' }>): Promise<Answer> {
    if (request.verb === 'ping') return { ok: true, pid: process.pid };
    if (request.verb === 'status') return { ok: true, status: { ...this.#board.value, ...(await this.#look()) } };
    if (request.verb === 'settings') {
      const { outcome, pending } = await changeSettings(
        this.#paths,
        request.change,
        this.#inForce(),
        this.#running?.machine,
      );
      this.#tell({
        settings: this.#running ? { ...outcome.settings, ...this.#inForce(pending) } : outcome.settings,
        pending,
      });
      return { ok: true, outcome };
    }
    if (request.verb === 'woke') await this.#running?.session.woke();
    else if (request.verb === 'start') await this.#start();
    else return { ok: true, how: await this.#end(request.verb === 'kill' ? 0 : request.patience) };
    return { ok: true };
  }

  /** Of the settings that the running machine was started with, all or those named. */
  #inForce(names?: readonly (keyof MachineSettings)[]): Partial<MachineSettings> {
    const { settings } = this.#board.value;
    if (!this.#running || !settings) return {};
    return names ? Object.fromEntries(names.map((name) => [name, settings[name]])) : settings;
  }

  async #look(): Promise<Partial<MachineStatus>> {
    // one that stands still, or whose connection is being made again, has no answer
    if (!this.#running || this.#board.value.standstill) return {};
    const late = pause(MEASURE, this.#over.signal).then(() => ({}));
    return Promise.race([measure(this.#running.machine, this.#paths).catch(() => ({})), late]);
  }

  /** For a client of the engine's socket: one that is asked for while the machine is down starts it, and waits. */
  async #stream(): Promise<Duplex> {
    await this.#stopping;
    const { machine } = this.#running ?? (await this.#start());
    return machine.engine().catch((error: unknown) => {
      const { standstill } = this.#board.value;
      throw standstill ? new MachineError(standstill.why, standstill.hint) : error;
    });
  }

  #start(): Promise<Running> {
    if (this.#over.signal.aborted)
      return Promise.reject(
        (this.#failure as Error) ?? new MachineError('the machine is stopped', 'berth machine start'),
      );
    if (this.#running) return Promise.resolve(this.#running);
    this.#starting ??= this.#begin().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  async #begin(): Promise<Running> {
    await this.#stopping;
    const settings = readSettings(this.#paths);
    const readiness = new Readiness(() => this.#tell({}));
    this.#readiness = readiness;
    const { error: _old, endedHard: _hard, ...rest } = this.#board.value;
    this.#board.set({ ...rest, state: 'starting', settings, pending: [], warnings: [], ports: [] });
    try {
      const machine = await startWith(this.#paths, this.#image, settings, readiness, this.#giveUp.signal, this.#tell);
      const session = openSession(machine, this.#paths, async () => this.#tell(await this.#look()), this.#tell);
      const running = { machine, session };
      this.#running = running;
      this.#tell({ state: 'running', sshPort: machine.sshPort, startedAt: Date.now() });
      void machine.process.exited.then((why) => this.#exited(running, why));
      return running;
    } catch (reason) {
      const error = withoutRoom(reason, this.#paths.home);
      this.#failure = error;
      readiness.failed(error);
      this.#tell({ state: 'failed', error: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  }

  /** The machine's process has ended, whether it was asked to or not. */
  async #exited(running: Running, why: string): Promise<void> {
    running.session.close();
    running.machine.ssh.close();
    running.machine.release();
    if (this.#running === running) this.#running = undefined;
    const gone: Partial<MachineStatus> = {
      connection: 'none',
      ports: [],
      folders: [],
      memory: undefined,
      idleStopAt: undefined,
      standstill: undefined,
    };
    if (this.#stopping) {
      const endedHard = (await this.#stopping) === 'hard';
      this.#tell({ ...gone, state: this.#waits ? 'waiting' : 'stopped', endedHard });
      if (!this.#waits) this.#finish(0);
      return;
    }
    this.#tell({ ...gone, state: 'failed', error: `the machine ended by itself: ${why}` });
    if (!this.#waits) this.#finish(1);
  }

  /** Asked for by somebody: the socket goes too. `patience` in milliseconds; 0 ends it at once. */
  async #end(patience?: number): Promise<string> {
    this.#waits = false;
    this.#giveUp.abort();
    await this.#starting?.catch(() => undefined);
    if (!this.#running && !this.#stopping) {
      this.#tell({ state: 'stopped' });
      setImmediate(() => this.#finish(0)); // once the answer is sent
      return 'stopped';
    }
    return this.#stop(patience);
  }

  #stop(patience?: number): Promise<string> {
    const machine = this.#running?.machine;
    if (!machine) return this.#stopping ?? Promise.resolve('stopped');
    this.#tell({ state: 'stopping' });
    this.#stopping ??= machine.stop(patience).finally(() => (this.#stopping = undefined));
    return this.#stopping;
  }

  async #stopWhenIdle(): Promise<void> {
    for (; !this.#over.signal.aborted; await pause(IDLE_BEAT, this.#over.signal)) {
      if (!this.#running || this.#stopping) continue;
      const { session } = this.#running;
      const use = {
        running: session.running(),
        lastEnded: session.lastEnded(),
        busy: this.#socket.busy(),
        lastTraffic: this.#socket.last(),
      };
      const left = untilIdleStop(use, readSettings(this.#paths).idleMinutes * MINUTE, performance.now());
      const at = left === undefined ? undefined : Math.round((Date.now() + left) / 1000) * 1000;
      if (at !== this.#board.value.idleStopAt) this.#tell({ idleStopAt: at });
      if (left !== 0) continue;
      this.#waits = true;
      await this.#stop();
    }
  }
}
