/** Something that may happen, and those who want to know. A listener that throws is a bug: it is not caught. */
export class Signal<T> {
  readonly #listeners = new Set<(value: T) => void>();

  /** Returns how to stop listening. */
  listen(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }
}

/** Wakes one waiting loop; wakes that come while it works are kept as one. */
export class Wake {
  #awake = false;
  #resume: (() => void) | undefined;

  wake = (): void => {
    this.#awake = true;
    this.#resume?.();
  };

  /** Resolves at the next (or a kept) wake, or when `signal` is aborted. */
  async wait(signal: AbortSignal): Promise<void> {
    if (!this.#awake && !signal.aborted)
      await new Promise<void>((done) => {
        this.#resume = done;
        signal.addEventListener('abort', () => done(), { once: true });
      });
    this.#resume = undefined;
    this.#awake = false;
  }
}

/** Resolves after `milliseconds`, or at once when `signal` is aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) return done();
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      done();
    };
    const timer = setTimeout(finish, milliseconds);
    signal.addEventListener('abort', finish, { once: true });
  });
}

/** A value that changes, of which a slow reader only wants the newest. */
export class Latest<T> {
  readonly #changed = new Signal<void>();
  #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }
  set(value: T): void {
    this.#value = value;
    this.#changed.emit();
  }
  listen(listener: () => void): () => void {
    return this.#changed.listen(listener);
  }

  /** The present value, then each that differs, until `signal` is aborted. */
  async *watch(signal: AbortSignal): AsyncGenerator<T> {
    const wake = new Wake();
    const stop = this.listen(wake.wake);
    try {
      let last: T | undefined;
      while (!signal.aborted) {
        if (this.#value !== last) {
          last = this.#value;
          yield last;
        } else await wake.wait(signal);
      }
    } finally {
      stop();
    }
  }
}
