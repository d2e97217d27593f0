import { readFileSync } from 'node:fs';
import { malloc } from './malloc.ts';
import { programPages } from './program-pages.ts';

/** milliseconds without activity after which memory is given back */
const QUIET = 2000;
/** bytes; where pages are larger, less is given back than could be */
const PAGE = 4096;
/** bytes that memory must have grown by since the last time: less is not worth a collection */
const WORTH = 1024 * 1024;
/** the same for files that are mapped: what each request uses stays */
const WORTH_MAPPED = 12 * 1024 * 1024;

/** Bytes in memory: of the process's own, and of mapped files. */
export interface Resident {
  own: number;
  mapped: number;
}

export interface IdleMemory {
  /** Something was done. To be called often: it only notes the time. */
  active(): void;
  stop(): void;
}

/**
 * Gives memory back to the kernel when the engine has become quiet: V8 keeps a heap as large as the last work needed, the C library
 * what was freed, and Node's program is mapped as far as it was ever used. One collection (some 15 ms) after each spell of work, none while
 * there is nothing to do. Node is to run with `--expose-gc`; without it the heap stays as it is.
 */
export function createIdleMemory(
  release = { own: releaseMemory, mapped: programPages.release },
  resident: () => Resident = readResident,
): IdleMemory {
  let last = 0;
  let timer: NodeJS.Timeout | undefined;
  let after: Resident = { own: 0, mapped: 0 };
  const arm = (delay: number) => {
    timer = setTimeout(look, delay);
    timer.unref();
  };
  const look = () => {
    timer = undefined;
    const left = last + QUIET - performance.now();
    if (left > 0) return arm(left);
    const now = resident();
    const own = now.own - after.own >= WORTH;
    // last: a collection uses much of the program
    const mapped = own || now.mapped - after.mapped >= WORTH_MAPPED;
    if (own) release.own();
    if (mapped) release.mapped();
    if (mapped) after = resident();
  };
  return {
    active: () => {
      last = performance.now();
      if (!timer) arm(QUIET);
    },
    stop: () => clearTimeout(timer),
  };
}

/** proc_pid_statm(5): the second and third number, in pages. */
function readResident(): Resident {
  const [, resident = 0, mapped = 0] = readFileSync('/proc/self/statm', 'utf8').split(' ').map(Number);
  return { own: (resident - mapped) * PAGE, mapped: mapped * PAGE };
}

/** A full collection that also shrinks the heap, then what the C library holds. */
export function releaseMemory(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  malloc.trim();
}
