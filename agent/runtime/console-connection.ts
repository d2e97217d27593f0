/** Both directions of a process's streams. Output that arrives before a listener is set waits for it. */
export interface ConsoleConnection {
  /** At most one listener. `stream` 1 is stdout (and all of a TTY), 2 stderr. */
  onOutput(listener: (stream: 1 | 2, chunk: Buffer) => void): void;
  /** Called once, after the last output; at once when that was before. */
  onClose(listener: () => void): void;
  /** Resolves when the chunk was taken, so that a fast writer is held back; silently drops when the process reads no more. */
  write(chunk: Buffer): Promise<void>;
  /** End of input. */
  end(): void;
  /** Reads no more until `resume`: the process is held back once what lies between is full. */
  pause(): void;
  resume(): void;
  /** Lets go without ending the process. */
  close(): void;
}

/** What the implementations share: output kept back until somebody listens, and the close told once and last. */
export class ConsoleBuffer {
  #listener: ((stream: 1 | 2, chunk: Buffer) => void) | undefined;
  #closeListeners: (() => void)[] = [];
  #waiting: [1 | 2, Buffer][] = [];
  #closed = false;

  output(stream: 1 | 2, chunk: Buffer): void {
    if (this.#listener) this.#listener(stream, chunk);
    else this.#waiting.push([stream, chunk]);
  }

  onOutput(listener: (stream: 1 | 2, chunk: Buffer) => void): void {
    this.#listener = listener;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [stream, chunk] of waiting) listener(stream, chunk);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const listener of this.#closeListeners.splice(0)) listener();
  }

  get closed(): boolean {
    return this.#closed;
  }

  onClose(listener: () => void): void {
    if (this.#closed) queueMicrotask(listener);
    else this.#closeListeners.push(listener);
  }
}
