/** Work that is done once, some time after it was last asked for. */
export class Delayed {
  readonly #wait: number;
  readonly #work: () => Promise<unknown>;
  #timer: NodeJS.Timeout | undefined;

  /** `wait` in milliseconds; a failure of the work is nobody's concern */
  constructor(wait: number, work: () => Promise<unknown>) {
    this.#wait = wait;
    this.#work = work;
  }

  schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#work().catch(() => undefined), this.#wait);
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
