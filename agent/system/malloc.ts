import koffi from 'koffi';

let trim: (() => void) | undefined;

function load(): () => void {
  try {
    const call = koffi.load('libc.so.6').func('int malloc_trim(size_t pad)');
    return () => void call(0);
  } catch {
    // musl has no such call: it gives back by itself
    return () => undefined;
  }
}

export const malloc = {
  /** Gives freed memory of all threads back to the kernel: glibc keeps it in its arenas otherwise (malloc_trim(3)). */
  trim: (): void => (trim ??= load())(),
};
