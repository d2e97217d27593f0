import koffi from 'koffi';
import { closeSync, mkdirSync, openSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLONE, MNT, MS, SyscallError, type Syscalls } from '../system/syscalls.ts';

const OWN = '/proc/thread-self/ns/net';

function assertHome(before: string): void {
  if (readlinkSync(OWN) !== before) throw new Error('still in another network namespace');
}

/** Runs `inside` in another network namespace; the thread is back in its own before this returns, or the process ends. */
function away<T>(sys: Syscalls, enter: () => void, inside: () => T): T {
  const home = openSync(OWN, 'r');
  const before = readlinkSync(OWN);
  try {
    enter();
    return inside();
  } finally {
    try {
      sys.setns(home, CLONE.NEWNET);
      assertHome(before);
    } catch (error) {
      // Going on would make every later socket and route lookup lie: a restart is the safe way out.
      process.stderr.write(`cannot return to the host's network namespace: ${String(error)}\n`);
      process.abort();
    } finally {
      closeSync(home);
    }
  }
}

/** Runs `inside`, which must be synchronous, on this thread in the namespace at `path`. */
export function inNamespace<T>(sys: Syscalls, path: string, inside: () => T): T {
  const there = openSync(path, 'r');
  try {
    return away(sys, () => sys.setns(there, CLONE.NEWNET), inside);
  } finally {
    closeSync(there);
  }
}

/** Makes a namespace with its loopback up, kept by a bind mount on `directory/id`; gives that path. */
export function makeNamespace(sys: Syscalls, directory: string, id: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const path = join(directory, id);
  dropNamespace(sys, directory, id);
  writeFileSync(path, '', { flag: 'wx', mode: 0o444 });
  try {
    away(
      sys,
      () => sys.unshare(CLONE.NEWNET),
      () => {
        loopbackUp();
        sys.mount(OWN, path, '', MS.BIND, '');
      },
    );
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
  return path;
}

/** Keeps a namespace that is there already, as `makeNamespace` does one of its own. */
export function keepNamespace(sys: Syscalls, directory: string, id: string, source: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const path = join(directory, id);
  dropNamespace(sys, directory, id);
  writeFileSync(path, '', { flag: 'wx', mode: 0o444 });
  try {
    sys.mount(source, path, '', MS.BIND, '');
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
  return path;
}

/** The kernel frees the namespace when no process is left in it either. Fine when there is none. */
export function dropNamespace(sys: Syscalls, directory: string, id: string): void {
  const path = join(directory, id);
  for (;;) {
    try {
      sys.umount(path, MNT.DETACH);
    } catch (error) {
      // EINVAL: not a mount point (any more); ENOENT: no such file
      if (error instanceof SyscallError && (error.code === 'EINVAL' || error.code === 'ENOENT')) break;
      throw error;
    }
  }
  rmSync(path, { force: true });
}

// netdevice(7)
const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;
const IFREQ_SIZE = 40;
const IFREQ_FLAGS_OFFSET = 16;

interface SocketCalls {
  socket: (domain: number, type: number, protocol: number) => number;
  ioctl: (fd: number, request: number, data: Buffer) => number;
  close: (fd: number) => number;
}
let calls: SocketCalls | undefined;

function socketCalls(): SocketCalls {
  if (calls) return calls;
  const libc = koffi.load('libc.so.6');
  calls = {
    socket: libc.func('int socket(int domain, int type, int protocol)'),
    ioctl: libc.func('int ioctl(int fd, ulong request, void *data)'),
    close: libc.func('int close(int fd)'),
  };
  return calls;
}

/** Brings up `lo` of the namespace the thread is in. Its addresses come with that. */
function loopbackUp(): void {
  const { socket, ioctl, close } = socketCalls();
  const fd = socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) throw new SyscallError('socket', koffi.errno());
  try {
    const request = Buffer.alloc(IFREQ_SIZE);
    request.write('lo');
    request.writeInt16LE(IFF_UP, IFREQ_FLAGS_OFFSET);
    if (ioctl(fd, SIOCSIFFLAGS, request) < 0) throw new SyscallError('ioctl SIOCSIFFLAGS lo', koffi.errno());
  } finally {
    close(fd);
  }
}
