import type { EventMessage } from '../../agent/api/system.ts';
import type { EngineStatus } from '../contract/model.ts';
import type { EngineClient } from '../engine/client.ts';
import { UnreachableError } from '../engine/errors.ts';
import type { Transport } from '../engine/transport.ts';
import { toAppError } from './failures.ts';
import { Latest, pause, Signal } from './signals.ts';

/** Milliseconds: first and longest wait between tries to connect; between pings; how often at most `/info` is asked again. */
const FIRST_RETRY = 250;
const LONGEST_RETRY = 5_000;
const PING_INTERVAL = 10_000;

/** What a failure says of the engine; others mean that it cannot be reached. */
const STATE_OF_FAILURE: Record<string, EngineStatus['state']> = {
  'engine-start': 'stopped',
  'engine-privileges': 'stopped',
  machine: 'stopped',
  'machine-step': 'stopped',
  'machine-stopped': 'stopped',
  'machine-starting': 'starting',
};

/** Starts the engine where that can be done from here. Throws HostError, whose words the window shows. */
export type StartEngine = (signal: AbortSignal) => Promise<void>;

/**
 * The connection to the engine: knows whether it is there, and passes on its events. One `/events` stream is held open; its end
 * tells at once that the engine went away. `connected` is emitted after that stream has begun, so who lists then misses nothing.
 */
export class EngineLink {
  readonly client: EngineClient;
  readonly status: Latest<EngineStatus>;
  readonly connected = new Signal<void>();
  readonly events = new Signal<EventMessage>();
  /** another engine is used from now on: nothing of the one before is true any more */
  readonly switched = new Signal<void>();
  #start: StartEngine | undefined;
  readonly #stop = new AbortController();
  /** aborted when another engine is chosen */
  #turn = new AbortController();
  #retryNow: () => void = () => undefined;
  #startAsked: boolean;

  /** `now`: starts the engine at once where it is not running; else when it is asked for */
  constructor(client: EngineClient, start?: StartEngine, now = true) {
    this.client = client;
    this.#start = start;
    this.#startAsked = now && start !== undefined;
    this.status = new Latest<EngineStatus>({ state: 'starting', endpoint: client.address, warnings: [] });
  }

  get ready(): boolean {
    return this.status.value.state === 'ready';
  }

  /** Begins; runs until `close`. */
  run(): void {
    void this.#loop(this.#stop.signal);
  }

  close(): void {
    this.#stop.abort();
    this.client.close();
  }

  /** Uses another engine; `now`: starts it at once where it is not running. */
  switchTo(transport: Transport, start: StartEngine | undefined, now: boolean): void {
    this.#start = start;
    this.#startAsked = now && start !== undefined;
    const before = this.#turn;
    this.#turn = new AbortController();
    this.client.switchTo(transport);
    this.status.set({ state: 'starting', endpoint: transport.address, warnings: [] });
    this.switched.emit();
    before.abort(new Error('another engine was chosen'));
  }

  /** Something happened that may have brought the engine back. */
  tryNow(): void {
    if (!this.ready) this.#retryNow();
  }

  /** Tries again now, and starts the engine where that is possible. Resolves when it is ready, or has failed again. */
  async start(): Promise<void> {
    if (this.ready) return;
    this.#startAsked = this.#start !== undefined;
    const settled = new Promise<void>((done) => {
      const stop = this.status.listen(() => {
        if (this.status.value.state === 'starting') return;
        stop();
        done();
      });
    });
    const { problem } = this.status.value;
    this.status.set({ ...this.status.value, state: 'starting', problem: problem?.machine ? problem : undefined });
    this.#retryNow();
    await settled;
  }

  async #loop(signal: AbortSignal): Promise<void> {
    let wait = FIRST_RETRY;
    while (!signal.aborted) {
      const turn = AbortSignal.any([signal, this.#turn.signal]);
      try {
        if (this.#startAsked) await this.#ensureStarted(turn);
        await this.#session(turn);
        wait = FIRST_RETRY;
      } catch (error) {
        if (!turn.aborted) this.#failed(error);
      }
      await this.#retryPause(wait, turn);
      wait = turn.aborted ? FIRST_RETRY : Math.min(wait * 2, LONGEST_RETRY);
    }
  }

  async #ensureStarted(signal: AbortSignal): Promise<void> {
    this.#startAsked = false;
    try {
      await this.client.ping(signal);
    } catch {
      await this.#start?.(signal);
    }
  }

  /** Connected, until the engine goes away (then it resolves) or never was (then it throws). */
  async #session(signal: AbortSignal): Promise<void> {
    const end = new AbortController();
    const stop = () => end.abort();
    signal.addEventListener('abort', stop, { once: true });
    try {
      await this.client.ping(end.signal);
      const events = await this.client.events(end.signal);
      const described = await this.#describe();
      end.signal.throwIfAborted();
      this.status.set(described);
      this.connected.emit();
      void this.#pingUntilDead(end);
      await this.#passOn(events);
    } finally {
      stop();
      signal.removeEventListener('abort', stop);
    }
    if (!signal.aborted)
      this.#failed(new UnreachableError(this.client.address, new Error('the engine closed the connection')));
  }

  /** However the stream ends, it means that the engine has gone. */
  async #passOn(events: AsyncGenerator<EventMessage>): Promise<void> {
    for (;;) {
      let next: IteratorResult<EventMessage, unknown>;
      try {
        next = await events.next();
      } catch (error) {
        throw new UnreachableError(this.client.address, error);
      }
      if (next.done) return;
      this.events.emit(next.value);
    }
  }

  async #pingUntilDead(end: AbortController): Promise<void> {
    for (;;) {
      await pause(PING_INTERVAL, end.signal);
      if (end.signal.aborted) return;
      try {
        await this.client.ping(end.signal);
      } catch {
        end.abort();
      }
    }
  }

  async #describe(): Promise<EngineStatus> {
    const [version, info, berth] = await Promise.all([
      this.client.version(),
      this.client.info(),
      this.client.berthSystem(),
    ]);
    return {
      state: 'ready',
      endpoint: this.client.address,
      version: version.Version,
      apiVersion: version.ApiVersion,
      berth: berth !== undefined,
      kernel: info.KernelVersion,
      os: info.OperatingSystem,
      architecture: info.Architecture,
      cgroupVersion: berth ? String(berth.cgroupVersion) : info.CgroupVersion,
      runtime: berth ? `${berth.runtime.name} ${berth.runtime.version}`.trim() : info.DefaultRuntime,
      cpus: info.NCPU,
      memory: info.MemTotal,
      warnings: [...new Set([...(berth?.warnings ?? []), ...(info.Warnings ?? [])])],
    };
  }

  #failed(error: unknown): void {
    const failure = toAppError(error);
    const problem = {
      title: failure.message,
      detail: failure.detail ?? '',
      action: failure.action ?? '',
      ...(failure.code.startsWith('machine') ? { machine: true as const } : {}),
    };
    const state = STATE_OF_FAILURE[failure.code] ?? 'unreachable';
    const { value } = this.status;
    if (state === 'starting' && value.state === state) return;
    // A start that failed is the better explanation than that nobody answers, which follows from it.
    if (state === 'unreachable' && value.state === 'stopped') return;
    if (value.state === state && value.problem?.detail === problem.detail) return;
    this.status.set({ state, endpoint: this.client.address, problem, warnings: [] });
  }

  async #retryPause(wait: number, signal: AbortSignal): Promise<void> {
    const early = new AbortController();
    this.#retryNow = () => early.abort();
    await pause(wait, AbortSignal.any([early.signal, signal]));
  }
}
