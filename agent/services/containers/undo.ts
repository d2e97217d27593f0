import type { Log } from '../../system/log.ts';

/**
 * The steps taken back when a later one fails, newest first. Each is tried even if another fails; what fails is logged, since the
 * failure that started it is the one the client must hear of.
 */
export class Undo {
  readonly #steps: { name: string; run: () => unknown }[] = [];

  add(name: string, run: () => unknown): void {
    this.#steps.push({ name, run });
  }

  async rollBack(log: Log): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step.run();
      } catch (error) {
        log.error(`could not undo "${step.name}"`, error);
      }
    }
  }
}
