import type {
  AuthConfig,
  ImageDeleteItem,
  ImageHistoryItem,
  ImageInspect,
  ImageSummary,
  ProgressMessage,
} from '../api/image.ts';
import type { ContainerConfig } from '../api/container.ts';
import type { Filters } from '../http/query.ts';

/** An image that is stored and unpacked, ready to be a container's root. */
export interface StoredImage {
  /** "sha256:…" of the image configuration */
  id: string;
  /** architecture etc. and the defaults for containers */
  architecture: string;
  os: string;
  config: ContainerConfig;
  /** directories for overlayfs, uppermost first (as `lowerdir=` wants them); short paths, since options are limited to a page */
  lowerdirs: readonly string[];
  /** bytes, unpacked */
  size: number;
}

/** What containers need of images. */
export interface ImageSource {
  /** By reference, id or unambiguous id prefix. Throws not-found `No such image: NAME:TAG`. */
  resolve(reference: string): StoredImage;
  /** The image of a container stays resolvable by id for as long as it is stored. */
  byId(id: string): StoredImage | undefined;
  /** Removes what was kept only for containers that are gone now. */
  collect?(): Promise<void>;
}

/** Who uses an image: asked before it is removed. */
export interface ImageUsers {
  /** containers by image id */
  usersOf(imageId: string): { id: string; name: string; running: boolean }[];
}

export interface PullRequest {
  /** familiar or full reference, without tag or digest where `tag` is given */
  image: string;
  tag?: string;
  platform?: string;
  auth?: AuthConfig;
  signal: AbortSignal;
  onProgress: (message: ProgressMessage) => void;
}

export interface SaveRequest {
  /** references, ids or their beginnings */
  names: readonly string[];
  /** "linux/arm64" */
  platform?: string;
  signal: AbortSignal;
}

/** What is read from an archive that a client sends. */
export interface ArchiveRequest {
  body: AsyncIterable<Buffer>;
  platform?: string;
  signal: AbortSignal;
  onProgress: (message: ProgressMessage) => void;
}
export interface LoadRequest extends ArchiveRequest {
  /** without the progress of layers */
  quiet: boolean;
}
export interface ImportRequest extends Omit<ArchiveRequest, 'body'> {
  /** the archive, or where it is fetched from (an URL, or a host and path) */
  source: AsyncIterable<Buffer> | string;
  repository: string;
  tag: string;
  message: string;
  /** instructions as in a Dockerfile */
  changes: readonly string[];
}

/** What a container becomes an image of. */
export interface CommitRequest {
  /** the container by name or id */
  container: string;
  repository: string;
  tag: string;
  author: string;
  comment: string;
  /** while its files are read, the container stands still */
  pause: boolean;
  /** instructions as in a Dockerfile */
  changes: readonly string[];
  /** in place of the container's own; what it leaves open is the container's */
  config?: ContainerConfig;
  signal: AbortSignal;
}

/** What the commit route calls. */
export interface CommitBackend {
  /** Resolves to the new image's id. */
  commit(request: CommitRequest): Promise<string>;
}

/** What the images router calls. */
export interface ImageBackend {
  list(options: { all: boolean; filters: Filters; sharedSize: boolean }): Promise<ImageSummary[]>;
  /** `platform` ("linux/arm64"): not found when the image is for another. */
  inspect(reference: string, platform?: string): Promise<ImageInspect>;
  history(reference: string, platform?: string): Promise<ImageHistoryItem[]>;
  /** Resolves when stored; progress as Docker's JSON lines. Cancelled through `signal`; then nothing is half-visible. */
  pull(request: PullRequest): Promise<void>;
  push(request: PullRequest): Promise<void>;
  /** `send` is given the archive; what is wrong with the names is thrown before. */
  save(request: SaveRequest, send: (archive: AsyncIterable<Buffer>) => Promise<void>): Promise<void>;
  load(request: LoadRequest): Promise<void>;
  import(request: ImportRequest): Promise<void>;
  tag(reference: string, repository: string, tag: string): Promise<void>;
  remove(
    reference: string,
    options: { force: boolean; noprune: boolean; platform?: string },
  ): Promise<ImageDeleteItem[]>;
  prune(filters: Filters): Promise<{ ImagesDeleted: ImageDeleteItem[] | null; SpaceReclaimed: number }>;
  auth(config: AuthConfig): Promise<{ Status: string; IdentityToken: string }>;
}
