import { EngineError } from '../../api/errors.ts';

/** At most `limit` at once, the others in their order. */
export class Limiter {
  readonly #limit: number;
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** `onWait` is called when it has to wait. Throws `cancelled` when `signal` is aborted before its turn. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal, onWait: () => void): Promise<T> {
    if (this.#running >= this.#limit) {
      // after the caller has the promise, and has said who listens
      queueMicrotask(onWait);
      await this.#turn(signal);
    } else this.#running += 1;
    try {
      if (signal.aborted) throw new EngineError('cancelled', 'context canceled');
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  /** Resolves with a place that whoever was before has handed on. */
  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((done, fail) => {
      const start = () => {
        signal.removeEventListener('abort', cancel);
        done();
      };
      const cancel = () => {
        this.#queue.splice(this.#queue.indexOf(start), 1);
        fail(new EngineError('cancelled', 'context canceled'));
      };
      signal.addEventListener('abort', cancel, { once: true });
      this.#queue.push(start);
    });
  }
}
