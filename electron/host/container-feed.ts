import type { ContainerSummary } from '../../agent/api/container.ts';
import type { EventMessage } from '../../agent/api/system.ts';
import type { ContainerChange, ContainerRow } from '../contract/model.ts';
import type { EngineLink } from './engine-link.ts';
import { Signal, Wake } from './signals.ts';
import { readStatus } from '../contract/status-text.ts';

/** Milliseconds that changes are collected before they are fetched together. */
const COLLECT = 15;
/** Milliseconds between re-lists, for "Up 3 minutes"; and while a status counts seconds. */
const RELIST = 30_000;
const RELIST_SECONDS = 3_000;
/** With more changed containers than this, one list of all is cheaper. */
const MANY = 40;
/** Events that change nothing a row shows. */
const IRRELEVANT = /^(exec_|attach|detach|resize|top|copy|archive-path|extract-to-dir|export|commit)/;

/** One reader's view: what it has not been told yet. Bounded by the number of containers, however slow the reader. */
interface Reader {
  snapshot: boolean;
  dirty: Set<string>;
  wake: Wake;
}

/**
 * The list of containers, one for all windows, kept by the engine's events: an event names a container, whose row alone is fetched
 * again. A new connection lists everything.
 */
export class ContainerFeed {
  /** told after each change of `rows` */
  readonly changed = new Signal<void>();
  /** a container ended by itself: not by stop, kill or remove */
  readonly died = new Signal<{ row: ContainerRow; exitCode: number }>();
  readonly #link: EngineLink;
  readonly #rows = new Map<string, ContainerRow>();
  readonly #readers = new Set<Reader>();
  readonly #pending = new Set<string>();
  readonly #stopping = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #relist = false;
  #listedAt = 0;
  #scheduled: NodeJS.Timeout | undefined;
  #busy = false;
  #listed = false;

  constructor(link: EngineLink) {
    this.#link = link;
    link.connected.listen(() => {
      this.#listed = false;
      this.#listAll();
    });
    link.events.listen((event) => this.#onEvent(event));
    link.switched.listen(() => this.#forget());
    this.#timer = setInterval(() => this.#age(), RELIST_SECONDS);
    this.#timer.unref();
  }

  get rows(): ReadonlyMap<string, ContainerRow> {
    return this.#rows;
  }

  /** Has the texts that tell time told again, as often as they change. */
  #age(): void {
    if (this.#readers.size === 0) return;
    const rows = [...this.#rows.values()];
    const wait = rows.some((row) => row.status.includes('second')) ? RELIST_SECONDS : RELIST;
    if (rows.length > 0 && Date.now() - this.#listedAt >= wait - 100) this.#listAll();
  }

  close(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#scheduled);
  }

  /** First a snapshot (at once when the list is known), then changes; a snapshot again after each new connection. */
  async *watch(signal: AbortSignal): AsyncGenerator<ContainerChange> {
    const reader: Reader = { snapshot: this.#listed, dirty: new Set(), wake: new Wake() };
    this.#readers.add(reader);
    try {
      while (!signal.aborted) {
        if (reader.snapshot) {
          reader.snapshot = false;
          reader.dirty.clear();
          yield { kind: 'snapshot', rows: [...this.#rows.values()] };
        }
        const ids = [...reader.dirty];
        reader.dirty.clear();
        for (const id of ids) {
          const row = this.#rows.get(id);
          yield row ? { kind: 'upsert', row } : { kind: 'remove', id };
          if (signal.aborted || reader.snapshot) break;
        }
        if (!reader.snapshot && reader.dirty.size === 0) await reader.wake.wait(signal);
      }
    } finally {
      this.#readers.delete(reader);
    }
  }

  #onEvent(event: EventMessage): void {
    if (event.Type === 'network') {
      const id = event.Actor.Attributes['container'];
      if (id) this.#mark(id);
      return;
    }
    if (event.Type !== 'container' || IRRELEVANT.test(event.Action)) return;
    const id = event.Actor.ID;
    this.#noteEnd(event);
    if (event.Action === 'destroy') {
      this.#pending.delete(id);
      if (this.#rows.delete(id)) this.#tell([id]);
    } else this.#mark(id);
  }

  #noteEnd(event: EventMessage): void {
    const id = event.Actor.ID;
    if (event.Action === 'kill') this.#stopping.add(id);
    else if (event.Action === 'start' || event.Action === 'destroy') this.#stopping.delete(id);
    else if (event.Action === 'die') {
      const row = this.#rows.get(id);
      const exitCode = Number(event.Actor.Attributes['exitCode'] ?? 0);
      if (row && !this.#stopping.delete(id)) this.died.emit({ row, exitCode });
    }
  }

  /** Another engine: its containers are others. */
  #forget(): void {
    this.#rows.clear();
    this.#pending.clear();
    this.#stopping.clear();
    this.#listed = false;
    for (const reader of this.#readers) {
      reader.snapshot = true;
      reader.wake.wake();
    }
    this.changed.emit();
  }

  #mark(id: string): void {
    this.#pending.add(id);
    this.#schedule();
  }

  #listAll(): void {
    this.#relist = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#busy || this.#scheduled !== undefined) return;
    this.#scheduled = setTimeout(() => {
      this.#scheduled = undefined;
      void this.#refresh();
    }, COLLECT);
  }

  async #refresh(): Promise<void> {
    if (!this.#link.ready) return;
    this.#busy = true;
    const all = this.#relist || this.#pending.size > MANY;
    const ids = [...this.#pending];
    this.#relist = false;
    this.#pending.clear();
    try {
      if (all) {
        this.#replace(await this.#link.client.listContainers());
        this.#listedAt = Date.now();
      } else this.#update(ids, await this.#link.client.listContainers(ids));
    } catch {
      // The connection is gone, or the engine is in trouble: what was asked is asked again.
      if (all) this.#relist = true;
      for (const id of ids) this.#pending.add(id);
      setTimeout(() => this.#schedule(), 1_000).unref();
      this.#busy = false;
      return;
    }
    this.#busy = false;
    if (this.#relist || this.#pending.size > 0) this.#schedule();
  }

  #replace(list: ContainerSummary[]): void {
    const gone = new Set(this.#rows.keys());
    const changed: string[] = [];
    for (const summary of list) {
      gone.delete(summary.Id);
      if (this.#put(summary)) changed.push(summary.Id);
    }
    for (const id of gone) this.#rows.delete(id);
    const first = !this.#listed;
    this.#listed = true;
    if (first) {
      for (const reader of this.#readers) reader.snapshot = true;
    }
    this.#tell([...changed, ...gone], first);
  }

  #update(ids: readonly string[], list: ContainerSummary[]): void {
    const missing = new Set(ids);
    const changed: string[] = [];
    for (const summary of list) {
      missing.delete(summary.Id);
      if (this.#put(summary)) changed.push(summary.Id);
    }
    for (const id of missing) if (this.#rows.delete(id)) changed.push(id);
    this.#tell(changed);
  }

  /** true when the row differs */
  #put(summary: ContainerSummary): boolean {
    const row = toRow(summary);
    const before = this.#rows.get(row.id);
    if (before && JSON.stringify(before) === JSON.stringify(row)) return false;
    this.#rows.set(row.id, row);
    return true;
  }

  #tell(ids: readonly string[], always = false): void {
    if (ids.length === 0 && !always) return;
    for (const reader of this.#readers) {
      for (const id of ids) reader.dirty.add(id);
      reader.wake.wake();
    }
    this.changed.emit();
  }
}

function toRow(summary: ContainerSummary): ContainerRow {
  return {
    id: summary.Id,
    name: (summary.Names[0] ?? '').replace(/^\//, ''),
    image: summary.Image,
    imageId: summary.ImageID,
    command: summary.Command,
    state: summary.State,
    status: summary.Status,
    ...readStatus(summary.Status),
    created: summary.Created * 1000,
    ports: summary.Ports ?? [],
    labels: summary.Labels ?? {},
    networks: Object.keys(summary.NetworkSettings?.Networks ?? {}),
    mounts: (summary.Mounts ?? []).map((mount) => `${mount.Name || mount.Source}:${mount.Destination}`),
  };
}
