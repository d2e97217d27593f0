import type { ContainerSummary } from '../../agent/api/container.ts';
import type { EngineClient } from '../engine/client.ts';
import { pause } from '../host/signals.ts';

/** Events after which a container may run, or publish, otherwise than before. */
const CHANGES = new Set(['start', 'die', 'destroy', 'rename', 'pause', 'unpause']);
/** Events after which there may be room on the disk that was not there before. */
const FREEING = new Set([
  'container destroy',
  'image delete',
  'image prune',
  'volume destroy',
  'volume prune',
  'builder prune',
]);
const RETRY = 500;

export interface RunningListener {
  /** it runs, and this is how */
  runs(container: ContainerSummary): void;
  /** it does not, or not any more */
  ended(id: string): void;
  /** after each (new) connection: these run, and no others */
  all(ids: string[]): void;
  /** something that took room on the disk was removed */
  freed(): void;
}

/** Follows which containers run. After a connection that broke, what was missed is made up for by a new list. */
export class RunningContainers {
  readonly #client: EngineClient;
  readonly #listener: RunningListener;
  readonly #running = new Set<string>();

  constructor(client: EngineClient, listener: RunningListener) {
    this.#client = client;
    this.#listener = listener;
  }

  get size(): number {
    return this.#running.size;
  }

  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#session(signal).catch(() => undefined);
      await pause(RETRY, signal);
    }
  }

  async #session(signal: AbortSignal): Promise<void> {
    const end = new AbortController();
    const both = AbortSignal.any([end.signal, signal]);
    try {
      const events = await this.#client.events(both);
      const running = (await this.#client.listContainers()).filter(
        ({ State }) => State === 'running' || State === 'paused',
      );
      const ids = running.map(({ Id }) => Id);
      for (const id of this.#running) if (!ids.includes(id)) this.#ended(id);
      for (const container of running) this.#runs(container);
      this.#listener.all(ids);
      for await (const { Type, Action, Actor } of events) {
        if (FREEING.has(`${Type} ${Action}`)) this.#listener.freed();
        const id = Type === 'container' ? Actor.ID : (Actor.Attributes['container'] ?? '');
        if (Type === 'network' ? this.#running.has(id) : Type === 'container' && CHANGES.has(Action))
          void this.#look(id, Action);
      }
    } finally {
      end.abort();
    }
  }

  /** The event says which; the engine says how it is. One that died may have been started again since. */
  async #look(id: string, action: string): Promise<void> {
    if (action === 'destroy') return this.#ended(id);
    const [container] = await this.#client.listContainers([id]).catch(() => []);
    if (container?.State === 'running' || container?.State === 'paused') this.#runs(container);
    else this.#ended(id);
  }

  #runs(container: ContainerSummary): void {
    this.#running.add(container.Id);
    this.#listener.runs(container);
  }

  #ended(id: string): void {
    if (this.#running.delete(id)) this.#listener.ended(id);
  }
}
