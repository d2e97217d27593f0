import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import koffi from 'koffi';
import { SyscallError } from '../system/syscalls.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;
/** the same values as O_NONBLOCK and O_CLOEXEC */
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
/** sun_path, with its closing NUL */
const MAX_PATH = 108;
/** milliseconds a full queue of connections is waited for */
const CONNECT_WITHIN = 5000;

interface Calls {
  socket(domain: number, type: number, protocol: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  socketpair(domain: number, type: number, protocol: number, fds: Int32Array): number;
  dup3(from: number, to: number, flags: number): number;
}

let loaded: Calls | undefined;
function calls(): Calls {
  if (loaded) return loaded;
  const libc = koffi.load('libc.so.6');
  loaded = {
    socket: libc.func('int socket(int domain, int type, int protocol)'),
    connect: libc.func('int connect(int fd, const void *address, uint32_t length)'),
    socketpair: libc.func('int socketpair(int domain, int type, int protocol, _Out_ int *fds)'),
    dup3: libc.func('int dup3(int from, int to, int flags)'),
  } as unknown as Calls;
  return loaded;
}

/** Reads go here, one at a time; what is kept of it is copied. No packet is longer. */
let shared: Buffer | undefined;

/**
 * Connects to a SOCK_SEQPACKET socket, which Node has no way to make. Every packet that is read goes to `onPacket`; every `write` that is
 * awaited before the next is one packet. `pause()` and `resume()` stop and start the reading, so the other side is held back by the
 * kernel. Throws SyscallError (ENOENT, ECONNREFUSED …).
 */
export async function connectSeqpacket(path: string, onPacket: (packet: Buffer) => void): Promise<Socket> {
  const fd = await connected(path);
  try {
    return asSocket(fd, onPacket);
  } finally {
    closeSync(fd);
  }
}

async function connected(path: string): Promise<number> {
  const name = Buffer.from(path);
  if (name.length >= MAX_PATH) throw new Error(`the name of a socket has ${name.length} bytes: ${path}`);
  const address = Buffer.alloc(2 + MAX_PATH);
  address.writeUInt16LE(AF_UNIX, 0);
  name.copy(address, 2);
  const { socket, connect } = calls();
  const fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new SyscallError('socket', koffi.errno());
  for (const deadline = Date.now() + CONNECT_WITHIN; ;) {
    if (connect(fd, address, address.length) === 0) return fd;
    const error = new SyscallError('connect', koffi.errno());
    if (error.code !== 'EAGAIN' || Date.now() > deadline) {
      closeSync(fd);
      throw error;
    }
    await new Promise((done) => setTimeout(done, 5));
  }
}

/**
 * Node refuses descriptors of this kind by their type. It is shown a stream socket, whose number is then given to the other before
 * the event loop has looked at it; from there on both are read and written by the same calls.
 */
function asSocket(fd: number, onPacket: (packet: Buffer) => void): Socket {
  const { socketpair, dup3 } = calls();
  const pair = new Int32Array(2);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
    throw new SyscallError('socketpair', koffi.errno());
  const [shown, other] = pair as unknown as [number, number];
  closeSync(other);
  shared ??= Buffer.allocUnsafeSlow(64 * 1024);
  const socket = new Socket({
    fd: shown,
    readable: true,
    writable: true,
    onread: {
      buffer: shared,
      callback: (length, buffer) => {
        onPacket(Buffer.from(buffer.subarray(0, length)));
        return true;
      },
    },
  });
  if (dup3(fd, shown, SOCK_CLOEXEC) < 0) {
    const error = new SyscallError('dup3', koffi.errno());
    socket.destroy();
    throw error;
  }
  return socket;
}
