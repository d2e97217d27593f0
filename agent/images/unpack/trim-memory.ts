/**
 * Gives memory that ended threads have freed back to the kernel: glibc keeps it in their arenas otherwise (malloc_trim(3)), about
 * 40 MB after a large pull. Where the C library has no such call nothing happens.
 */
export async function trimMemory(): Promise<void> {
  try {
    const { default: koffi } = await import('koffi');
    koffi.load('libc.so.6').func('int malloc_trim(size_t pad)')(0);
  } catch {
    // musl: it gives back by itself
  }
}
