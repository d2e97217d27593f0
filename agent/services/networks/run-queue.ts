/**
 * Orders netavark runs. `alone` runs have nothing beside them: netavark 1.4 takes no lock of its own when it makes the rules that
 * containers share, and when it takes a name out of the name server's file. Others run together.
 */
export class RunQueue {
  #last: Promise<unknown> = Promise.resolve();
  #together = new Set<Promise<unknown>>();

  alone<T>(run: () => Promise<T>): Promise<T> {
    const before = [this.#last, ...this.#together];
    const mine = Promise.allSettled(before).then(run);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  together<T>(run: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(run, run);
    const kept = mine.catch(() => undefined);
    this.#together.add(kept);
    void kept.then(() => this.#together.delete(kept));
    return mine;
  }
}
