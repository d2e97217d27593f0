import { existsSync } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { conflict, invalid, notFound } from '../../api/errors.ts';
import type { Layout } from '../../store/layout.ts';
import { readRecord, writeRecord, type RecordKind } from '../../store/record.ts';
import type { ContainerRecord } from '../container-record.ts';
import { parseLink } from './links.ts';
import { Live } from './live.ts';

/** All containers, by id and by name. What is here is on disk too: a change is told to a client only after `save`. */
export class ContainerTable {
  readonly #layout: Layout;
  readonly #kind: RecordKind<ContainerRecord>;
  readonly #byId = new Map<string, Live>();
  readonly #byName = new Map<string, string>();
  readonly #listeners = new Set<(record: ContainerRecord, action: string) => void>();

  constructor(layout: Layout, kind: RecordKind<ContainerRecord>) {
    this.#layout = layout;
    this.#kind = kind;
  }

  /** Reads every record; unreadable ones go to quarantine, with what the container has written. */
  async load(): Promise<void> {
    const ids = await readdir(this.#layout.containers).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [] as string[];
      throw error;
    });
    for (const id of ids) {
      // others are being removed
      if (!/^[0-9a-f]{64}$/.test(id)) continue;
      const path = this.#layout.containerRecord(id);
      const recorded = existsSync(path);
      const record = await readRecord(this.#kind, path);
      if (record?.id === id) this.#insert(new Live(record));
      else if (recorded) await this.#setAside(id);
    }
  }

  /** The files of a container whose record is of no use: a person may want them. */
  async #setAside(id: string): Promise<void> {
    const { quarantine } = this.#layout;
    await mkdir(quarantine, { recursive: true });
    const target = join(quarantine, `container-${Date.now()}-${id}`);
    await rename(this.#layout.container(id), target);
    this.#kind.report(`The files of container ${id} were moved to ${target}.`);
  }

  #insert(live: Live): void {
    this.#byId.set(live.id, live);
    this.#byName.set(live.record.name, live.id);
  }

  get size(): number {
    return this.#byId.size;
  }

  values(): Iterable<Live> {
    return this.#byId.values();
  }

  /** By id, name with or without slash, or unambiguous id prefix, in this order (as moby's `GetContainer`). */
  find(reference: string): Live | undefined {
    const exact = this.#byId.get(reference);
    if (exact) return exact;
    const named = this.#byName.get(reference.startsWith('/') ? reference.slice(1) : reference);
    if (named !== undefined) return this.#byId.get(named);
    if (reference.includes('/')) return this.#linked(reference.replace(/^\//, ''));
    if (!/^[0-9a-f]+$/.test(reference)) return undefined;
    let found: Live | undefined;
    for (const live of this.#byId.values()) {
      if (!live.id.startsWith(reference)) continue;
      if (found) throw invalid(`multiple IDs found with provided prefix: ${reference}`);
      found = live;
    }
    return found;
  }

  /** "name/alias": whom that container has linked by that name. */
  #linked(reference: string): Live | undefined {
    const at = reference.lastIndexOf('/');
    const parent = at > 0 ? this.#byId.get(this.#byName.get(reference.slice(0, at)) ?? '') : undefined;
    const links = (parent?.record.hostConfig.Links ?? []).map(parseLink);
    const link = links.find(({ alias }) => alias === reference.slice(at + 1));
    return link && this.#byId.get(link.target);
  }

  get(reference: string): Live {
    const found = this.find(reference);
    if (!found) throw notFound(`No such container: ${reference}`);
    return found;
  }

  /** Holds a name for a container to come. Throws conflict in Docker's words. */
  reserve(name: string, id: string): void {
    const holder = this.#byName.get(name);
    if (holder !== undefined)
      throw conflict(
        `Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    this.#byName.set(name, id);
  }

  isFree(name: string): boolean {
    return !this.#byName.has(name);
  }

  release(name: string, id: string): void {
    if (this.#byName.get(name) === id) this.#byName.delete(name);
  }

  async add(record: ContainerRecord): Promise<Live> {
    await writeRecord(this.#kind, this.#layout.containerRecord(record.id), record);
    const live = new Live(record);
    this.#insert(live);
    return live;
  }

  /** In the order of asking: a later state is never overwritten by an earlier one. */
  save(live: Live): Promise<void> {
    return live.saving.run(() => writeRecord(this.#kind, this.#layout.containerRecord(live.id), live.record));
  }

  drop(live: Live): void {
    this.#byId.delete(live.id);
    this.release(live.record.name, live.id);
  }

  changed(live: Live, action: string): void {
    for (const listener of this.#listeners) listener(live.record, action);
  }

  onChange(listener: (record: ContainerRecord, action: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
