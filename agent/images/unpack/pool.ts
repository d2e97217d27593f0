import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { EngineError } from '../../api/errors.ts';
import { releaseMemory } from '../../system/idle-memory.ts';
import { RegistryError } from '../registry/errors.ts';
import type { FromWorker, LayerTask, ToWorker } from './protocol.ts';

/** milliseconds without work after which a worker ends and gives its memory back */
const IDLE = 2000;

export interface TaskListener {
  onProgress(fetched: number): void;
  onRetry(seconds: number): void;
  onVerified(): void;
}
interface Running {
  listener: TaskListener;
  done: (size: number) => void;
  fail: (error: Error) => void;
}
interface Member {
  worker: Worker;
  tasks: Map<number, Running>;
  idle: NodeJS.Timeout | undefined;
}

/** From source the worker is TypeScript beside us; in the bundle it is a file beside the bundle. */
const workerUrl = () =>
  import.meta.url.endsWith('.ts')
    ? new URL('../unpack-worker.ts', import.meta.url)
    : new URL('./unpack-worker.cjs', import.meta.url);

/** The workers: as many as there are CPUs, started when there is work, ended when there is none. */
export class UnpackPool {
  readonly #members: Member[] = [];
  readonly #limit: number;
  #nextId = 1;

  constructor(limit = Math.max(1, Math.min(availableParallelism(), 4))) {
    this.#limit = limit;
  }

  /** Resolves to the bytes of the unpacked files. Throws EngineError, also when `signal` is aborted. */
  run(task: Omit<LayerTask, 'id'>, listener: TaskListener, signal: AbortSignal): Promise<number> {
    if (signal.aborted) return Promise.reject(new EngineError('cancelled', 'context canceled'));
    const id = this.#nextId++;
    const member = this.#pick();
    clearTimeout(member.idle);
    const post = (message: ToWorker) => member.worker.postMessage(message);
    const cancel = () => post({ kind: 'cancel', id });
    signal.addEventListener('abort', cancel, { once: true });
    return new Promise<number>((done, fail) => {
      member.tasks.set(id, { listener, done, fail });
      post({ kind: 'start', task: { ...task, id } });
    }).finally(() => {
      signal.removeEventListener('abort', cancel);
      member.tasks.delete(id);
      if (member.tasks.size === 0) this.#rest(member);
    });
  }

  /** Ends all workers. What they were doing fails. */
  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()));
  }

  #pick(): Member {
    const least = this.#members.reduce<Member | undefined>(
      (best, one) => (best && best.tasks.size <= one.tasks.size ? best : one),
      undefined,
    );
    if (least && (least.tasks.size === 0 || this.#members.length >= this.#limit)) return least;
    return this.#start();
  }

  #start(): Member {
    const worker = new Worker(workerUrl(), { name: 'unpack', execArgv: [] });
    // an engine that is asked to stop does not wait for a pull
    worker.unref();
    const member: Member = { worker, tasks: new Map(), idle: undefined };
    worker.on('message', (message: FromWorker) => this.#receive(member, message));
    worker.on('error', (error) => this.#lost(member, error));
    worker.on('exit', () => this.#lost(member, new EngineError('cancelled', 'context canceled')));
    this.#members.push(member);
    return member;
  }

  #receive(member: Member, message: FromWorker): void {
    const task = member.tasks.get(message.id);
    if (!task) return;
    switch (message.kind) {
      case 'progress':
        return task.listener.onProgress(message.fetched);
      case 'retrying':
        return task.listener.onRetry(message.seconds);
      case 'verified':
        return task.listener.onVerified();
      case 'done':
        return task.done(message.size);
      case 'failed': {
        const { kind, message: text, registryCode, status } = message.error;
        task.fail(
          registryCode === undefined
            ? new EngineError(kind, text)
            : RegistryError.received(registryCode, text, status ?? 0),
        );
      }
    }
  }

  #lost(member: Member, error: Error): void {
    clearTimeout(member.idle);
    const at = this.#members.indexOf(member);
    if (at >= 0) this.#members.splice(at, 1);
    for (const task of member.tasks.values()) task.fail(error);
    member.tasks.clear();
  }

  #rest(member: Member): void {
    clearTimeout(member.idle);
    member.idle = setTimeout(() => {
      if (member.tasks.size > 0) return;
      const at = this.#members.indexOf(member);
      if (at >= 0) this.#members.splice(at, 1);
      void member.worker.terminate().then(() => (this.#members.length === 0 ? releaseMemory() : undefined));
    }, IDLE);
    member.idle.unref();
  }
}
