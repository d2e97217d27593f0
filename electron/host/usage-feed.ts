import type { UsageSample } from '../../agent/api/berth.ts';
import type { UsageHistoryUpdate, UsageUpdate } from '../contract/model.ts';
import type { ContainerFeed } from './container-feed.ts';
import type { EngineLink } from './engine-link.ts';
import { Latest, pause } from './signals.ts';
import { SampleMaker } from './usage-math.ts';

const TICK = 1_000;
/** Milliseconds the reading goes on after the last reader left, so that changing the view does not start it anew. */
const LINGER = 5_000;

/**
 * What all running containers use, once a second, shared by all readers. Berth's engine sends it as one stream; of another engine
 * one statistics stream for each running container is read. Nothing is read while nobody looks.
 */
export class UsageFeed {
  readonly #link: EngineLink;
  readonly #containers: ContainerFeed;
  readonly #current = new Latest<UsageUpdate | undefined>(undefined);
  #readers = 0;
  #running: AbortController | undefined;
  #linger: NodeJS.Timeout | undefined;

  constructor(link: EngineLink, containers: ContainerFeed) {
    this.#link = link;
    this.#containers = containers;
  }

  close(): void {
    clearTimeout(this.#linger);
    this.#running?.abort();
  }

  async *watch(signal: AbortSignal): AsyncGenerator<UsageUpdate> {
    this.#enter();
    try {
      for await (const update of this.#current.watch(signal))
        if (update && Date.now() - update.time < 5 * TICK) yield update;
    } finally {
      this.#leave();
    }
  }

  /** One container's past, where the engine keeps it, then its samples as they come. */
  async *history(id: string, signal: AbortSignal): AsyncGenerator<UsageHistoryUpdate> {
    const { Id } = await this.#link.client.inspectContainer(id);
    const past = await this.#link.client.berthHistory(Id);
    if (past) yield { kind: 'history', interval: past.interval, samples: past.samples };
    let last = past?.samples.at(-1)?.time ?? 0;
    for await (const update of this.watch(signal)) {
      const sample = update.containers[Id];
      if (!sample || sample.time <= last) continue;
      last = sample.time;
      yield { kind: 'sample', sample };
    }
  }

  #enter(): void {
    this.#readers++;
    clearTimeout(this.#linger);
    if (this.#running) return;
    this.#running = new AbortController();
    void this.#run(this.#running.signal);
  }

  #leave(): void {
    this.#readers--;
    if (this.#readers > 0) return;
    this.#linger = setTimeout(() => {
      this.#running?.abort();
      this.#running = undefined;
    }, LINGER);
    this.#linger.unref();
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const status = this.#link.status.value;
      if (status.state === 'ready') {
        try {
          if (status.berth) await this.#fromBerth(signal);
          else await this.#fromStats(signal);
        } catch {
          // the engine went away, or refuses: the link tells so; tried again below
        }
      }
      await pause(TICK, signal);
    }
  }

  async #fromBerth(signal: AbortSignal): Promise<void> {
    for await (const tick of await this.#link.client.berthUsage(signal)) this.#current.set(tick);
  }

  async #fromStats(signal: AbortSignal): Promise<void> {
    const latest = new Map<string, UsageSample>();
    const streams = new Map<string, AbortController>();
    try {
      while (!signal.aborted && this.#link.ready) {
        const running = new Set<string>();
        for (const row of this.#containers.rows.values())
          if (row.state === 'running' || row.state === 'paused') running.add(row.id);
        for (const [id, stream] of streams) {
          if (running.has(id)) continue;
          stream.abort();
          streams.delete(id);
        }
        for (const id of running)
          if (!streams.has(id))
            streams.set(
              id,
              this.#readStats(id, latest, () => streams.delete(id)),
            );
        this.#current.set({ time: Date.now(), containers: Object.fromEntries(latest) });
        await pause(TICK, signal);
      }
    } finally {
      for (const stream of streams.values()) stream.abort();
    }
  }

  #readStats(id: string, latest: Map<string, UsageSample>, onEnd: () => void): AbortController {
    const stop = new AbortController();
    void (async () => {
      const samples = new SampleMaker();
      try {
        for await (const stats of await this.#link.client.stats(id, stop.signal)) latest.set(id, samples.add(stats));
      } catch {
        // gone meanwhile; while it runs, the next round opens a new stream
      }
      latest.delete(id);
      if (!stop.signal.aborted) onEnd();
    })();
    return stop;
  }
}
