import type { ImageSummary } from '../../agent/api/image.ts';
import type { ContainerRow, ImageChange, ImageRow } from '../contract/model.ts';
import type { ContainerFeed } from './container-feed.ts';
import type { EngineLink } from './engine-link.ts';
import { Latest } from './signals.ts';

/** Milliseconds that changes are collected. */
const COLLECT = 100;

/** The list of images, read again after image events; who uses what follows the list of containers. Lists only while watched. */
export class ImageFeed {
  readonly #link: EngineLink;
  readonly #containers: ContainerFeed;
  readonly #current = new Latest<ImageChange | undefined>(undefined);
  #summaries: ImageSummary[] | undefined;
  #text = '';
  #watchers = 0;
  #stale = true;
  #timer: NodeJS.Timeout | undefined;
  #busy = false;

  constructor(link: EngineLink, containers: ContainerFeed) {
    this.#link = link;
    this.#containers = containers;
    link.connected.listen(() => this.#change(true));
    link.events.listen((event) => event.Type === 'image' && this.#change(true));
    containers.changed.listen(() => this.#change(false));
    link.switched.listen(() => {
      this.#summaries = undefined;
      this.#stale = true;
      this.#text = '';
      this.#current.set({ kind: 'snapshot', rows: [] });
    });
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  async *watch(signal: AbortSignal): AsyncGenerator<ImageChange> {
    this.#watchers++;
    this.#schedule();
    try {
      for await (const change of this.#current.watch(signal)) if (change) yield change;
    } finally {
      this.#watchers--;
    }
  }

  #change(list: boolean): void {
    if (list) this.#stale = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#watchers === 0 || this.#busy || this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        void this.#refresh();
      },
      this.#summaries ? COLLECT : 0,
    );
  }

  async #refresh(): Promise<void> {
    if (!this.#link.ready) return;
    this.#busy = true;
    let retry = false;
    if (this.#stale) {
      this.#stale = false;
      try {
        this.#summaries = await this.#link.client.listImages();
      } catch {
        this.#stale = true;
        retry = true;
      }
    }
    this.#busy = false;
    if (this.#summaries) this.#publish(this.#summaries);
    if (retry) setTimeout(() => this.#schedule(), 1_000).unref();
    else if (this.#stale) this.#schedule();
  }

  #publish(summaries: ImageSummary[]): void {
    const users = new Map<string, string[]>();
    for (const row of this.#containers.rows.values()) addUser(users, row);
    const rows = summaries.map((summary) => toRow(summary, users));
    const text = JSON.stringify(rows);
    if (text === this.#text) return;
    this.#text = text;
    this.#current.set({ kind: 'snapshot', rows });
  }
}

function addUser(users: Map<string, string[]>, row: ContainerRow): void {
  const names = users.get(row.imageId);
  if (names) names.push(row.name);
  else users.set(row.imageId, [row.name]);
}

/** Docker writes a dangling image's names as "<none>:<none>". */
const named = (names: string[] | null | undefined): string[] =>
  (names ?? []).filter((name) => !name.startsWith('<none>'));

function toRow(summary: ImageSummary, users: ReadonlyMap<string, string[]>): ImageRow {
  return {
    id: summary.Id,
    tags: named(summary.RepoTags),
    digests: named(summary.RepoDigests),
    created: summary.Created * 1000,
    size: summary.Size,
    usedBy: users.get(summary.Id) ?? [],
  };
}
