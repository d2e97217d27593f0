import { join } from 'node:path';
import { EngineError } from '../../api/errors.ts';
import type { Descriptor } from '../media-types.ts';
import { RegistryError } from '../registry/errors.ts';
import type { RegistrySession } from '../registry/session.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { LayerTask } from '../unpack/protocol.ts';
import type { UnpackPool } from '../unpack/pool.ts';
import { Limiter } from './limiter.ts';

/** What happens to a layer, for those who wait for it. */
export interface LayerListener {
  onWaiting(): void;
  onProgress(fetched: number): void;
  onRetry(seconds: number): void;
  onVerified(): void;
}
export interface WantedLayer {
  diffId: string;
  blob: Descriptor;
}

interface Job {
  diffId: string;
  listeners: Set<LayerListener>;
  abort: AbortController;
  verified: boolean;
  fetched: number;
  result: Promise<void>;
}

/**
 * Brings layers into the store: fetched, verified and unpacked by the workers, at most so many at once. Two who want the same layer at
 * the same time share one job, which is given up when the last of them has gone.
 */
export class LayerFetcher {
  readonly #store: ImageStore;
  readonly #pool: UnpackPool;
  readonly #limiter: Limiter;
  readonly #overlayPrefix: () => 'trusted.' | 'user.';
  readonly #jobs = new Map<string, Job>();

  constructor(store: ImageStore, pool: UnpackPool, concurrent: number, overlayPrefix: () => 'trusted.' | 'user.') {
    this.#store = store;
    this.#pool = pool;
    this.#limiter = new Limiter(Math.max(1, concurrent));
    this.#overlayPrefix = overlayPrefix;
  }

  isStored(layer: WantedLayer): boolean {
    return this.#store.layers.get(layer.diffId) !== undefined && this.#store.blobs.has(layer.blob.digest);
  }

  /** Resolves when the layer is stored. `session` may be another's when the job is shared. */
  async fetch(
    layer: WantedLayer,
    session: RegistrySession,
    listener: LayerListener,
    signal: AbortSignal,
  ): Promise<void> {
    while (!this.isStored(layer)) {
      const running = this.#jobs.get(layer.blob.digest);
      const job = running && !running.abort.signal.aborted ? running : undefined;
      if (running && (!job || running.diffId !== layer.diffId)) {
        // being given up, or wanted for another diff id: two must not write the same partial blob
        await running.result.catch(() => undefined);
        continue;
      }
      await this.#join(job ?? this.#start(layer, session), listener, signal);
      return;
    }
  }

  #join(job: Job, listener: LayerListener, signal: AbortSignal): Promise<void> {
    job.listeners.add(listener);
    if (job.fetched > 0) listener.onProgress(job.fetched);
    if (job.verified) listener.onVerified();
    return new Promise<void>((done, fail) => {
      const leave = () => {
        job.listeners.delete(listener);
        if (job.listeners.size > 0) fail(new EngineError('cancelled', 'context canceled'));
        // the last one waits until all has been cleared away
        else job.abort.abort();
      };
      if (signal.aborted) leave();
      signal.addEventListener('abort', leave, { once: true });
      job.result.then(done, fail).finally(() => {
        job.listeners.delete(listener);
        signal.removeEventListener('abort', leave);
      });
    });
  }

  #start(layer: WantedLayer, session: RegistrySession): Job {
    const job: Job = {
      diffId: layer.diffId,
      listeners: new Set(),
      abort: new AbortController(),
      verified: false,
      fetched: 0,
      result: Promise.resolve(),
    };
    const release = this.#store.hold([layer.diffId, layer.blob.digest]);
    job.result = this.#limiter
      .run(
        () => this.#work(layer, session, job),
        job.abort.signal,
        () => job.listeners.forEach((listener) => listener.onWaiting()),
      )
      .finally(() => {
        this.#jobs.delete(layer.blob.digest);
        release();
      });
    job.result.catch(() => undefined);
    this.#jobs.set(layer.blob.digest, job);
    return job;
  }

  async #work(layer: WantedLayer, session: RegistrySession, job: Job): Promise<void> {
    const { digest } = layer.blob;
    const unpacked = this.#store.layers.get(layer.diffId) !== undefined;
    const stored = this.#store.blobs.has(digest);
    const blob = stored
      ? { storedPath: this.#store.blobs.path(digest) }
      : { partialPath: await this.#store.blobs.partial(digest) };
    const directory = unpacked ? undefined : await this.#store.layers.begin();
    const task: Omit<LayerTask, 'id'> = {
      digest,
      size: layer.blob.size,
      ...blob,
      ...(directory === undefined
        ? {}
        : {
            unpack: { directory: join(directory, 'diff'), diffId: layer.diffId, overlayPrefix: this.#overlayPrefix() },
          }),
    };
    try {
      const size = await this.#runAuthorised(task, layer, session, job);
      if (!stored) await this.#store.blobs.adopt(digest);
      if (directory !== undefined) await this.#store.layers.commit(directory, layer.diffId, size);
    } catch (error) {
      if (directory !== undefined) await this.#store.layers.abandon(directory);
      // a stored blob that is not what its name says: fetched anew next time
      if (stored && error instanceof EngineError && error.message.includes('verification failed'))
        await this.#store.blobs.remove(digest);
      throw error;
    }
  }

  /** A token may expire between the manifest and the last layer: then the rest is fetched with a new one. */
  async #runAuthorised(
    task: Omit<LayerTask, 'id'>,
    layer: WantedLayer,
    session: RegistrySession,
    job: Job,
  ): Promise<number> {
    const listener = {
      onProgress: (fetched: number) => {
        job.fetched = fetched;
        job.listeners.forEach((one) => one.onProgress(fetched));
      },
      onRetry: (seconds: number) => job.listeners.forEach((one) => one.onRetry(seconds)),
      onVerified: () => {
        job.verified = true;
        job.listeners.forEach((one) => one.onVerified());
      },
    };
    const path = `blobs/${layer.blob.digest}`;
    for (let fresh = false; ; fresh = true) {
      if (task.partialPath !== undefined) {
        const authorization = await session.authorization('GET', path, ['pull'], fresh);
        const headers: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization };
        task.source = { url: session.url(path), headers, insecureTls: session.endpoint.insecureTls };
      }
      try {
        return await this.#pool.run(task, listener, job.abort.signal);
      } catch (error) {
        if (fresh || !(error instanceof RegistryError) || error.status !== 401) throw error;
      }
    }
  }
}
