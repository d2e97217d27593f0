import { closeSync } from 'node:fs';
import koffi from 'koffi';
import { Socket } from 'node:net';
import { SyscallError } from '../system/syscalls.ts';

const O_CLOEXEC = 0o2000000;
let pipe2: ((fds: Int32Array, flags: number) => number) | undefined;

/** pipe(2), closed on exec. */
function makePipe(): { read: number; write: number } {
  pipe2 ??= koffi.load('libc.so.6').func('int pipe2(_Out_ int *fds, int flags)') as unknown as typeof pipe2;
  const fds = new Int32Array(2);
  if ((pipe2 as NonNullable<typeof pipe2>)(fds, O_CLOEXEC) < 0) throw new SyscallError('pipe2', koffi.errno());
  return { read: fds[0] as number, write: fds[1] as number };
}

/**
 * A pipe with one end in this process and the other for a child. Node's own `stdio: 'pipe'` is a socket pair, and a process cannot
 * open its /dev/stdout or /dev/stderr when that is a socket.
 */
export interface ChildPipe {
  readonly ours: Socket;
  /** for `stdio` of spawn */
  readonly childFd: number;
  /** to be called when the child has been spawned, or could not be */
  closeChildEnd(): void;
}

export function pipeFromChild(): ChildPipe {
  const { read, write } = makePipe();
  return {
    ours: new Socket({ fd: read, readable: true, writable: false }),
    childFd: write,
    closeChildEnd: once(write),
  };
}

export function pipeToChild(): ChildPipe {
  const { read, write } = makePipe();
  return { ours: new Socket({ fd: write, readable: false, writable: true }), childFd: read, closeChildEnd: once(read) };
}

function once(fd: number): () => void {
  let open = true;
  return () => {
    if (open) closeSync(fd);
    open = false;
  };
}
