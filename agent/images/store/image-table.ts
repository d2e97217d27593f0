import { existsSync } from 'node:fs';
import { readFile, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ContainerConfig } from '../../api/container.ts';
import { notFound } from '../../api/errors.ts';
import { writeAtomic } from '../../store/atomic.ts';
import { readRecord, writeRecord, type RecordKind } from '../../store/record.ts';
import type { Descriptor } from '../media-types.ts';
import { familiar, fullReference, parseReference, withDefaultTag, type Reference } from '../reference/parse.ts';
import type { BlobStore } from './blob-store.ts';
import type { ImagePaths } from './paths.ts';

export interface ImageLayer {
  diffId: string;
  blob: Descriptor;
}

export interface ImageRecord {
  /** "sha256:…" of the configuration */
  id: string;
  manifest: Descriptor;
  /** lowest first */
  layers: ImageLayer[];
  architecture: string;
  variant?: string;
  os: string;
  /** RFC 3339 */
  created: string;
  /** bytes of its files */
  size: number;
  /** RFC 3339: when a tag was last given */
  tagged: string;
  /** id of the image it was made from here (commit), as long as that one is stored */
  parent?: string;
  /** removed by force while a container had it: nobody sees it, and it goes when the last such container goes */
  hidden?: boolean;
}

export interface ImageConfiguration {
  created?: string;
  author?: string;
  architecture: string;
  variant?: string;
  os: string;
  config?: ContainerConfig | null;
  rootfs: { type: string; diff_ids: string[] };
  history?:
    { created?: string; created_by?: string; author?: string; comment?: string; empty_layer?: boolean }[] | null;
  docker_version?: string;
  comment?: string;
  /** of committed images */
  container?: string;
  container_config?: ContainerConfig;
  'os.version'?: string;
}

export interface StoredTable {
  images: ImageRecord[];
  /** reference in full ("docker.io/library/busybox:1", "…@sha256:…") to image id */
  references: Record<string, string>;
}

function isStoredTable(value: Record<string, unknown>): boolean {
  const { images, references } = value as Partial<StoredTable>;
  return (
    Array.isArray(images) &&
    images.every(
      (image) =>
        typeof image.id === 'string' && Array.isArray(image.layers) && typeof image.manifest?.digest === 'string',
    ) &&
    typeof references === 'object' &&
    references !== null
  );
}

/** Configurations that were read lately, parsed. */
const CACHED = 64;

/** Which images there are and what they are called: in memory what is on disk. */
export class ImageTable {
  readonly #paths: ImagePaths;
  readonly #blobs: BlobStore;
  readonly #kind: RecordKind<StoredTable>;
  readonly #images = new Map<string, ImageRecord>();
  readonly #references = new Map<string, string>();
  readonly #configurations = new Map<string, ImageConfiguration>();
  #saving: Promise<void> = Promise.resolve();

  constructor(paths: ImagePaths, blobs: BlobStore, quarantine: string, report: (message: string) => void) {
    this.#paths = paths;
    this.#blobs = blobs;
    this.#kind = { name: 'images', migrations: [], isValid: isStoredTable, quarantine, report };
  }

  /** `rebuild` finds out what there is, should the table not be readable. */
  async open(rebuild: () => Promise<StoredTable>): Promise<void> {
    // half-written by an engine that was killed
    const directory = dirname(this.#paths.table);
    for (const name of await readdir(directory).catch(() => []))
      if (name.endsWith('.tmp')) await rm(join(directory, name), { force: true });
    const recorded = existsSync(this.#paths.table);
    let stored = await readRecord(this.#kind, this.#paths.table);
    if (recorded && !stored) {
      stored = await rebuild();
      await writeRecord(this.#kind, this.#paths.table, stored);
      this.#kind.report(`The table of images was made anew from the images on disk: ${stored.images.length} found.`);
    }
    for (const image of stored?.images ?? []) this.#images.set(image.id, image);
    for (const [name, id] of Object.entries(stored?.references ?? {}))
      if (this.#images.has(id)) this.#references.set(name, id);
    const layout = JSON.stringify({ imageLayoutVersion: '1.0.0' });
    if ((await readFile(this.#paths.ociLayout, 'utf8').catch(() => '')) !== layout)
      await writeAtomic(this.#paths.ociLayout, layout, 0o644);
    if ((await readFile(this.#paths.index, 'utf8').catch(() => '')) !== this.#index())
      await writeAtomic(this.#paths.index, this.#index(), 0o644);
  }

  /** All that users see. */
  *visible(): Generator<ImageRecord> {
    for (const image of this.#images.values()) if (!image.hidden) yield image;
  }
  all(): IterableIterator<ImageRecord> {
    return this.#images.values();
  }
  byId(id: string): ImageRecord | undefined {
    return this.#images.get(id);
  }
  referenced(reference: string): ImageRecord | undefined {
    const id = this.#references.get(reference);
    return id === undefined ? undefined : this.#images.get(id);
  }
  references(): ReadonlyMap<string, string> {
    return this.#references;
  }

  /** References of an image, tags first, each in order. */
  referencesOf(id: string): Reference[] {
    const found: Reference[] = [];
    for (const [name, target] of this.#references) if (target === id) found.push(parseReference(name));
    const key = (reference: Reference) => `${reference.digest === undefined ? 0 : 1}${familiar(reference)}`;
    return found.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  /** What a user means: a name, an id, or the beginning of one. */
  find(text: string): ImageRecord | undefined {
    const visible = (image: ImageRecord | undefined) => (image && !image.hidden ? image : undefined);
    if (/^(sha256:)?[0-9a-f]{64}$/.test(text))
      return visible(this.#images.get(text.startsWith('sha256:') ? text : `sha256:${text}`));
    const byName = visible(this.#named(text));
    if (byName) return byName;
    const prefix = /^(?:sha256:)?([0-9a-f]{1,64})$/.exec(text)?.[1];
    if (prefix === undefined) return undefined;
    const matches = [...this.visible()].filter((image) => image.id.startsWith(`sha256:${prefix}`));
    return matches.length === 1 ? matches[0] : undefined;
  }

  #named(text: string): ImageRecord | undefined {
    const reference = parseReference(text.startsWith('sha256:') ? 'none' : text);
    if (reference.digest !== undefined) {
      const { tag: _tag, ...canonical } = reference;
      return this.referenced(fullReference(canonical));
    }
    return this.referenced(fullReference(withDefaultTag(reference)));
  }

  /** As `find`. Throws `invalid-parameter` for what is no reference, not-found in Docker's words for what is not there. */
  get(text: string): ImageRecord {
    const found = this.find(text);
    if (found) return found;
    const isId = text.startsWith('sha256:') || /^[0-9a-f]{64}$/.test(text);
    throw notFound(`No such image: ${isId ? text : familiar(withDefaultTag(parseReference(text)))}`);
  }

  /** From the blob, verified. */
  configuration(id: string): ImageConfiguration {
    const cached = this.#configurations.get(id);
    if (cached) return cached;
    const parsed = JSON.parse(this.#blobs.readSync(id).toString('utf8')) as ImageConfiguration;
    if (this.#configurations.size >= CACHED)
      this.#configurations.delete(this.#configurations.keys().next().value as string);
    this.#configurations.set(id, parsed);
    return parsed;
  }

  /** Changes the table in one step: on disk when this resolves; as before when it throws. */
  async update(change: (images: Map<string, ImageRecord>, references: Map<string, string>) => void): Promise<void> {
    const turn = this.#saving.then(async () => {
      const [images, references] = [new Map(this.#images), new Map(this.#references)];
      change(images, references);
      await writeRecord(this.#kind, this.#paths.table, {
        images: [...images.values()],
        references: Object.fromEntries(references),
      });
      replace(this.#images, images);
      replace(this.#references, references);
      for (const id of this.#configurations.keys()) if (!images.has(id)) this.#configurations.delete(id);
      // derived, for other tools; made again at start when a crash comes between
      await writeAtomic(this.#paths.index, this.#index(), 0o644);
    });
    this.#saving = turn.catch(() => undefined);
    await turn;
  }

  #index(): string {
    const manifests: object[] = [];
    for (const image of this.#images.values()) {
      if (image.hidden) continue;
      const platform = {
        architecture: image.architecture,
        os: image.os,
        ...(image.variant ? { variant: image.variant } : {}),
      };
      const names = this.referencesOf(image.id).filter(({ tag }) => tag !== undefined);
      const { mediaType, digest, size } = image.manifest;
      for (const name of names)
        manifests.push({
          mediaType,
          digest,
          size,
          platform,
          annotations: { 'org.opencontainers.image.ref.name': fullReference(name) },
        });
      if (names.length === 0) manifests.push({ mediaType, digest, size, platform });
    }
    return JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests });
  }
}

function replace<K, V>(target: Map<K, V>, source: ReadonlyMap<K, V>): void {
  target.clear();
  for (const [key, value] of source) target.set(key, value);
}
