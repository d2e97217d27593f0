import { Mutex } from '../containers/mutex.ts';

/**
 * What the readers of one log and its rotation agree on. Files are opened, renamed and removed one at a time; before a file goes, every
 * reader has opened it.
 */
class Gate {
  readonly #mutex = new Mutex();
  readonly #rotating = new Mutex();
  #rotations = 0;
  readonly #readers = new Set<() => Promise<void>>();
  /** files that stand for another: the log was cut to size */
  readonly #replaced = new Map<string, string>();

  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#mutex.run(work);
  }

  /** Rotation and packing, which may take long and does not keep readers out: one at a time. */
  async rotate<T>(work: () => Promise<T>): Promise<T> {
    this.#rotations += 1;
    try {
      return await this.#rotating.run(work);
    } finally {
      this.#rotations -= 1;
    }
  }

  get isRotating(): boolean {
    return this.#rotations > 0;
  }

  /** `open` is called inside `run`: it opens what there is that the reader has not. Gives the way to leave. */
  enter(openFiles: () => Promise<void>): () => void {
    this.#readers.add(openFiles);
    return () => this.#readers.delete(openFiles);
  }

  /** To be called inside `run`. */
  async letReadersOpen(): Promise<void> {
    for (const openFiles of this.#readers) await openFiles();
  }

  replaced(file: string, by: string): void {
    // Only who reads at this moment knows the file by its old name.
    if (this.#readers.size === 0) this.#replaced.clear();
    else this.#replaced.set(by, this.canonical(file));
  }

  canonical = (identity: string): string => this.#replaced.get(identity) ?? identity;
}

export type LogGate = Gate;

/** The gates of all logs, by path. One costs little and is kept as long as its log. */
export class LogGates {
  readonly #gates = new Map<string, Gate>();

  of(path: string): LogGate {
    const found = this.#gates.get(path) ?? new Gate();
    this.#gates.set(path, found);
    return found;
  }

  forget(path: string): void {
    this.#gates.delete(path);
  }
}
