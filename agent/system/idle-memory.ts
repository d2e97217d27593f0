import { malloc } from './malloc.ts';

/** milliseconds without activity after which memory is given back */
const QUIET = 2000;
/** bytes that the process must have grown by since the last time: less is not worth a collection */
const WORTH = 1024 * 1024;

export interface IdleMemory {
  /** Something was done. To be called often: it only notes the time. */
  active(): void;
  stop(): void;
}

/**
 * Gives memory back to the kernel when the engine has become quiet: V8 keeps a heap as large as the last work needed, and the C library
 * what was freed. One collection (some 15 ms) after each spell of work, none while there is nothing to do.
 * Node is to run with `--expose-gc`; without it only the C library gives back.
 */
export function createIdleMemory(
  release: () => void = releaseMemory,
  resident: () => number = process.memoryUsage.rss,
): IdleMemory {
  let last = 0;
  let timer: NodeJS.Timeout | undefined;
  let size = 0;
  const arm = (delay: number) => {
    timer = setTimeout(look, delay);
    timer.unref();
  };
  const look = () => {
    timer = undefined;
    const left = last + QUIET - performance.now();
    if (left > 0) return arm(left);
    if (resident() - size < WORTH) return;
    release();
    size = resident();
  };
  return {
    active: () => {
      last = performance.now();
      if (!timer) arm(QUIET);
    },
    stop: () => clearTimeout(timer),
  };
}

/** A full collection that also shrinks the heap, then what the C library holds. */
export function releaseMemory(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  malloc.trim();
}
