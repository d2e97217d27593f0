import { readFileSync } from 'node:fs';
import koffi from 'koffi';

/** <asm-generic/mman-common.h> */
const MADV_DONTNEED = 4;

interface Range {
  start: number;
  size: number;
}

/**
 * The mappings of the program `path` in `smaps` (proc_pid_smaps(5)) that are as in its file: not writable, and without a page of their
 * own (which relocation or a debugger made), so that nothing is lost with them.
 */
export function cleanMappings(smaps: string, path: string): Range[] {
  const found: Range[] = [];
  let current: Range | undefined;
  for (const line of smaps.split('\n')) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+\s*(.*)$/.exec(line);
    if (head) {
      const start = parseInt(head[1] as string, 16);
      const own = head[4] === path && head[3]?.startsWith('r') && !head[3].includes('w') && head[3].endsWith('p');
      current = own ? { start, size: parseInt(head[2] as string, 16) - start } : undefined;
    } else if (current && /^Anonymous:\s+0 kB$/.test(line)) found.push(current);
  }
  return found;
}

let release: (() => void) | undefined;

function load(): () => void {
  try {
    const madvise = koffi.load('libc.so.6').func('int madvise(uintptr_t addr, size_t length, int advice)');
    const ranges = cleanMappings(readFileSync('/proc/self/smaps', 'utf8'), process.execPath);
    return () => ranges.forEach(({ start, size }) => void madvise(start, size, MADV_DONTNEED));
  } catch {
    return () => undefined;
  }
}

export const programPages = {
  /**
   * Unmaps what of Node's own file (over 100 MB) was touched so far, mostly once, while starting: the kernel may then take it back when it
   * needs memory. What is used again is mapped again from the page cache, 16 pages at a time, in some microseconds.
   */
  release: (): void => (release ??= load())(),
};
