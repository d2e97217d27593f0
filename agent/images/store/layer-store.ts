import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { writeAtomic } from '../../store/atomic.ts';
import { setAside } from '../../store/record.ts';
import { directorySize } from '../../system/directory-size.ts';
import type { Log } from '../../system/log.ts';
import { syncFileSystem } from '../../system/sync-filesystem.ts';
import type { ImagePaths } from './paths.ts';

export interface LayerRecord {
  schemaVersion: 1;
  diffId: string;
  /** bytes of its files */
  size: number;
  /** name below `l/` */
  link: string;
}

function isLayerRecord(value: unknown): value is LayerRecord {
  const { schemaVersion, diffId, size, link } = value as Partial<LayerRecord>;
  return (
    schemaVersion === 1 &&
    typeof diffId === 'string' &&
    typeof size === 'number' &&
    typeof link === 'string' &&
    /^[a-z0-9]+$/.test(link)
  );
}

/** 40 random bits in base 36: eight characters */
const newLink = () => parseInt(randomBytes(5).toString('hex'), 16).toString(36).padStart(8, '0');

/** Unpacked layers. One that is listed is whole: directories get their place by one rename, and lose it by one. */
export class LayerStore {
  readonly #paths: ImagePaths;
  readonly #quarantine: string;
  readonly #log: Log;
  readonly #layers = new Map<string, LayerRecord>();
  /** layers made since the start, and of these, how many are on disk for certain */
  #made = 0;
  #synced = 0;

  constructor(paths: ImagePaths, quarantine: string, log: Log) {
    this.#paths = paths;
    this.#quarantine = quarantine;
    this.#log = log;
  }

  get(diffId: string): LayerRecord | undefined {
    return this.#layers.get(diffId);
  }
  diffIds(): IterableIterator<string> {
    return this.#layers.keys();
  }

  /** Reads what is on disk and clears away what was being made or removed when the engine ended. */
  async open(): Promise<void> {
    const { staging, layers, links } = this.#paths;
    await rm(staging, { recursive: true, force: true });
    for (const directory of [staging, layers, links]) await mkdir(directory, { recursive: true, mode: 0o710 });
    for (const name of await readdir(layers)) await this.#load(name);
    await this.#repairLinks();
  }

  async #load(name: string): Promise<void> {
    const directory = join(this.#paths.layers, name);
    try {
      const record: unknown = JSON.parse(await readFile(join(directory, 'layer.json'), 'utf8'));
      if (!isLayerRecord(record) || basename(this.#paths.layer(record.diffId)) !== name)
        throw new Error('its content is not as expected');
      this.#layers.set(record.diffId, record);
    } catch (error) {
      await this.#remake(name, error instanceof Error ? error.message : String(error));
    }
  }

  /** A layer that has its place is whole: only what was written of it is lost, which its files and its name tell. */
  async #remake(name: string, why: string): Promise<void> {
    const directory = join(this.#paths.layers, name);
    const files = join(directory, 'diff');
    if (!/^[0-9a-f]{64}$/.test(name) || !existsSync(files)) {
      this.#log.warn(`The layer ${directory} has no files and no readable record (${why}); it is removed.`);
      return this.#discard(directory);
    }
    const record = join(directory, 'layer.json');
    const target = existsSync(record) ? await setAside(this.#quarantine, 'layer', record) : undefined;
    const size = await directorySize(files);
    const layer: LayerRecord = { schemaVersion: 1, diffId: `sha256:${name}`, size, link: newLink() };
    await writeAtomic(record, JSON.stringify(layer), 0o644);
    this.#layers.set(layer.diffId, layer);
    this.#log.warn(
      `The record of the layer ${directory} could not be read (${why}); ${target ? `it was moved to ${target} and` : 'it was'} made anew.`,
    );
  }

  async #repairLinks(): Promise<void> {
    const wanted = new Map([...this.#layers.values()].map((layer) => [layer.link, this.#target(layer.diffId)]));
    for (const name of await readdir(this.#paths.links)) {
      const target = await readlink(this.#paths.link(name)).catch(() => undefined);
      if (target !== undefined && wanted.get(name) === target) wanted.delete(name);
      else await rm(this.#paths.link(name), { recursive: true, force: true });
    }
    for (const [name, target] of wanted) await symlink(target, this.#paths.link(name));
  }

  #target(diffId: string): string {
    return relative(this.#paths.links, this.#paths.diff(diffId));
  }

  /** A fresh directory to make a layer in; unpack into its `diff`. */
  async begin(): Promise<string> {
    const directory = join(this.#paths.staging, randomBytes(8).toString('hex'));
    await mkdir(directory, { mode: 0o710 });
    return directory;
  }

  /** Gives a finished directory its place. Where the layer came to be meanwhile, that one stays. */
  async commit(directory: string, diffId: string, size: number): Promise<LayerRecord> {
    const there = this.#layers.get(diffId);
    if (there) {
      await rm(directory, { recursive: true, force: true });
      return there;
    }
    const link = newLink();
    const record: LayerRecord = { schemaVersion: 1, diffId, size, link };
    // before the first await: of two that finish together the second finds the first
    this.#layers.set(diffId, record);
    try {
      await writeFile(join(directory, 'layer.json'), JSON.stringify(record));
      await symlink(this.#target(diffId), this.#paths.link(link));
      await rename(directory, this.#paths.layer(diffId));
    } catch (error) {
      this.#layers.delete(diffId);
      throw error;
    }
    this.#made += 1;
    return record;
  }

  /** Resolves when all layers, and the blobs they came from, would survive a power cut: before an image that needs them is told of. */
  async sync(): Promise<void> {
    const made = this.#made;
    if (made === this.#synced) return;
    await syncFileSystem(this.#paths.base);
    this.#synced = Math.max(this.#synced, made);
  }

  async abandon(directory: string): Promise<void> {
    await rm(directory, { recursive: true, force: true });
  }

  async remove(diffId: string): Promise<void> {
    const record = this.#layers.get(diffId);
    if (!record) return;
    this.#layers.delete(diffId);
    try {
      await this.#discard(this.#paths.layer(diffId));
    } catch (error) {
      // It has its place still: another of the same could not be put there.
      this.#layers.set(diffId, record);
      throw error;
    }
    await this.#removeNow(this.#paths.link(record.link));
  }

  async #discard(directory: string): Promise<void> {
    const grave = join(this.#paths.staging, randomBytes(8).toString('hex'));
    await rename(directory, grave);
    await this.#removeNow(grave);
  }

  /** What cannot be removed now is of no use to anybody, and goes at the next start. */
  async #removeNow(path: string): Promise<void> {
    await rm(path, { recursive: true, force: true }).catch((error: unknown) => this.#log.error(path, error));
  }

  /**
   * For `lowerdir=`, uppermost first. A layer that is in the stack twice counts where it is uppermost: overlayfs refuses one directory
   * twice, and the lower one has nothing that the upper one does not show.
   */
  lowerdirs(diffIds: readonly string[]): string[] {
    const found: string[] = [];
    for (const diffId of new Set([...diffIds].reverse())) {
      const layer = this.#layers.get(diffId);
      if (!layer) throw new Error(`the layer ${diffId} is not stored`);
      found.push(this.#paths.link(layer.link));
    }
    return found;
  }
}
