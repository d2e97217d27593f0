import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { SyscallError } from './syscalls.ts';

let call: ((fd: number) => Promise<void>) | undefined;

function load(): (fd: number) => Promise<void> {
  const syncfs = koffi.load('libc.so.6').func('int syncfs(int fd)');
  return (fd) =>
    new Promise((done, fail) => {
      syncfs.async(fd, (error: unknown, result: number) => {
        if (error) fail(error instanceof Error ? error : new Error(String(error)));
        else if (result < 0) fail(new SyscallError('syncfs', koffi.errno()));
        else done();
      });
    });
}

/** Resolves when all that was written to the file system of `path` is on disk (syncfs(2)). Waits on a thread of the pool. */
export async function syncFileSystem(path: string): Promise<void> {
  const fd = openSync(path, 'r');
  try {
    await (call ??= load())(fd);
  } finally {
    closeSync(fd);
  }
}
