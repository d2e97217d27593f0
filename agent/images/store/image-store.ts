import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from '../../store/layout.ts';
import { writeAtomic } from '../../store/atomic.ts';
import { setAside } from '../../store/record.ts';
import type { Log } from '../../system/log.ts';
import type { ImageUsers } from '../types.ts';
import { shortId } from '../digest.ts';
import { BlobStore } from './blob-store.ts';
import { ImageTable, type ImageRecord } from './image-table.ts';
import { LayerStore } from './layer-store.ts';
import { ImagePaths } from './paths.ts';
import { rebuildTable } from './rebuild-table.ts';

export const blobsOf = (image: ImageRecord) => [
  image.id,
  image.manifest.digest,
  ...image.layers.map((layer) => layer.blob.digest),
];
export const diffIdsOf = (image: ImageRecord) => image.layers.map((layer) => layer.diffId);

/** Blobs, layers and names together: knows what is in use, and removes what is not. */
export class ImageStore {
  readonly paths: ImagePaths;
  readonly blobs: BlobStore;
  readonly layers: LayerStore;
  readonly table: ImageTable;
  readonly #log: Log;
  readonly #quarantine: string;
  /** blobs and layers (by digest, counted) that pulls under way count upon */
  readonly #held = new Map<string, number>();

  constructor(layout: Layout, log: Log) {
    this.paths = new ImagePaths(layout.images);
    this.blobs = new BlobStore(this.paths);
    this.layers = new LayerStore(this.paths, layout.quarantine, log);
    this.#quarantine = layout.quarantine;
    this.table = new ImageTable(this.paths, this.blobs, layout.quarantine, (message) => log.warn(message));
    this.#log = log;
  }

  async open(): Promise<void> {
    await mkdir(this.paths.base, { recursive: true, mode: 0o710 });
    await this.layers.open();
    await this.table.open(() => rebuildTable(this.paths, this.blobs, this.layers));
    await this.#dropDamaged();
    const images = [...this.table.all()];
    const layers = new Set(images.flatMap(diffIdsOf));
    for (const diffId of [...this.layers.diffIds()]) if (!layers.has(diffId)) await this.layers.remove(diffId);
    await this.blobs.sweep(new Set(images.flatMap(blobsOf)));
  }

  /** An image without its configuration or one of its layers cannot run: said, set aside, and out of the lists. */
  async #dropDamaged(): Promise<void> {
    const damaged = [...this.table.all()].filter(
      (image) =>
        !this.blobs.isWhole(image.id) ||
        image.layers.some((layer) => !this.layers.get(layer.diffId) || !existsSync(this.paths.diff(layer.diffId))),
    );
    if (damaged.length === 0) return;
    await mkdir(this.#quarantine, { recursive: true });
    for (const image of damaged) {
      const names = this.table.referencesOf(image.id);
      // the next pull has to bring it
      if (this.blobs.has(image.id) && !this.blobs.isWhole(image.id))
        await setAside(this.#quarantine, 'blob', this.blobs.path(image.id));
      const path = join(this.#quarantine, `image-${Date.now()}-${shortId(image.id)}.json`);
      await writeAtomic(path, JSON.stringify({ image, references: names }));
      this.#log.warn(
        `Parts of the image ${shortId(image.id)} are missing or damaged on disk; it must be pulled again. Its record is in ${path}.`,
      );
    }
    const gone = new Set(damaged.map((image) => image.id));
    await this.table.update((images, references) => {
      for (const id of gone) images.delete(id);
      for (const [name, id] of references) if (gone.has(id)) references.delete(name);
    });
  }

  /** Keeps blobs and layers from being removed until the function that is given back is called. */
  hold(digests: readonly string[]): () => void {
    for (const digest of digests) this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      for (const digest of digests) {
        const count = (this.#held.get(digest) ?? 0) - 1;
        if (count > 0) this.#held.set(digest, count);
        else this.#held.delete(digest);
      }
    };
  }

  /**
   * Removes an image's record and references, then what only it had. While a container has it, the record stays, hidden, with all its
   * content. Resolves to what is gone: diff ids, and bytes.
   */
  async delete(image: ImageRecord, users: ImageUsers): Promise<{ layers: string[]; freed: number }> {
    const inUse = users.usersOf(image.id).length > 0;
    await this.table.update((images, references) => {
      for (const [name, id] of references) if (id === image.id) references.delete(name);
      if (inUse) images.set(image.id, { ...image, hidden: true });
      else images.delete(image.id);
    });
    return inUse ? { layers: [], freed: 0 } : this.release(diffIdsOf(image), blobsOf(image));
  }

  /** Removes those of these layers and blobs that no image has and no pull counts upon. */
  async release(diffIds: readonly string[], blobs: readonly string[]): Promise<{ layers: string[]; freed: number }> {
    const images = [...this.table.all()];
    const kept = new Set([...images.flatMap(diffIdsOf), ...images.flatMap(blobsOf), ...this.#held.keys()]);
    const layers: string[] = [];
    let freed = 0;
    for (const diffId of new Set(diffIds)) {
      const layer = this.layers.get(diffId);
      if (!layer || kept.has(diffId)) continue;
      await this.layers.remove(diffId);
      layers.push(diffId);
      freed += layer.size;
    }
    for (const digest of new Set(blobs)) if (!kept.has(digest)) freed += await this.blobs.remove(digest);
    return { layers, freed };
  }

  /** Removes blobs that neither an image nor a pull under way has: what interrupted pulls left. */
  sweepBlobs(used: ReadonlySet<string>): Promise<number> {
    return this.blobs.sweep(new Set([...used, ...this.#held.keys()]), true);
  }

  /** Hidden images whose last container is gone. */
  async dropUnusedHidden(users: ImageUsers): Promise<void> {
    for (const image of [...this.table.all()])
      if (image.hidden && users.usersOf(image.id).length === 0) await this.delete(image, users);
  }
}
