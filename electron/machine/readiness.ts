import { STEPS, type Step, type StepReport } from '../contract/machine.ts';
import { MachineError } from './types.ts';

/** The steps from the start to an answering engine, each with its time; what failed has a hint. `tell` hears of each change. */
export class Readiness {
  readonly #begun: number;
  readonly #now: () => number;
  readonly #tell: () => void;
  readonly #steps = new Map<Step, StepReport>();

  constructor(tell: () => void = () => undefined, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#begun = now();
    this.#tell = tell;
  }

  /** A step is reached once; those before it that told nothing were passed with it. `kept`: what an earlier start did was enough. */
  reached(step: Step, kept = false): void {
    const at = Math.round(this.#now() - this.#begun);
    for (const each of STEPS.slice(0, STEPS.indexOf(step) + 1))
      if (!this.#steps.has(each)) this.#steps.set(each, { step: each, at, ...(kept ? { kept } : {}) });
    this.#tell();
  }

  /** Another try from the first step; times go on. */
  again(): void {
    this.#steps.clear();
    this.#tell();
  }

  failed(error: unknown): void {
    const known = error instanceof MachineError;
    const step = (known ? error.step : undefined) ?? this.next();
    const hint = known && error.hint !== '' ? { hint: error.hint } : {};
    this.#steps.set(step, { step, error: error instanceof Error ? error.message : String(error), ...hint });
    this.#tell();
  }

  /** The first step not reached. */
  next(): Step {
    return STEPS.find((step) => !this.#steps.has(step)) ?? 'engine';
  }

  /** All steps in their order; one without time or error was not reached. */
  report(): StepReport[] {
    return STEPS.map((step) => this.#steps.get(step) ?? { step });
  }
}
