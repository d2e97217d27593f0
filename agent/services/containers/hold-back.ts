import type { ConsoleConnection } from '../../runtime/console-connection.ts';

/** How often a process that is held back is looked at, in milliseconds. */
const LOOK = 200;

/**
 * Holds a process back while somebody who gets its output takes no more, as dockerd does: nothing is lost, and what waits in the engine
 * stays small. A process that has ended is let go of: what is left of its output is little, and its supervisor cannot tell of the end
 * before it has handed it over.
 */
export class HoldBack {
  readonly #connection: Pick<ConsoleConnection, 'pause' | 'resume'>;
  readonly #alive: () => boolean;
  readonly #holders = new Set<object>();
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Pick<ConsoleConnection, 'pause' | 'resume'>, alive: () => boolean) {
    this.#connection = connection;
    this.#alive = alive;
  }

  get holding(): boolean {
    return this.#holders.size > 0;
  }

  /** On behalf of `holder`, until the promise resolves or `letGo(holder)`. */
  hold(holder: object, until: Promise<void>): void {
    if (this.#holders.has(holder) || !this.#alive()) return;
    this.#holders.add(holder);
    if (this.#timer === undefined) {
      this.#connection.pause();
      this.#timer = setInterval(() => {
        if (!this.#alive()) this.end();
      }, LOOK);
    }
    const done = () => this.letGo(holder);
    until.then(done, done);
  }

  letGo(holder: object): void {
    if (this.#holders.delete(holder) && this.#holders.size === 0) this.end();
  }

  /** Lets go for all. */
  end(): void {
    this.#holders.clear();
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#connection.resume();
  }
}
