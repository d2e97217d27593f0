import koffi from 'koffi';
import { SyscallError } from '../system/syscalls.ts';

// <linux/netlink.h>, <linux/rtnetlink.h>
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_ROUTE = 0;
const NLMSG_HEADER = 16;
const NLMSG_ERROR = 2;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const MSG_DONTWAIT = 0x40;
/** Make it; fail when it is there. */
export const NLM_F_CREATE_NEW = 0x400 | 0x200;

interface Calls {
  socket: (domain: number, type: number, protocol: number) => number;
  send: {
    async(
      fd: number,
      data: Buffer,
      size: number,
      flags: number,
      done: (error: Error | null, sent: number) => void,
    ): void;
  };
  recv: (fd: number, data: Buffer, size: number, flags: number) => number;
  close: (fd: number) => number;
  index: (name: string) => number;
}
let calls: Calls | undefined;

function libc(): Calls {
  if (calls) return calls;
  const library = koffi.load('libc.so.6');
  calls = {
    socket: library.func('int socket(int domain, int type, int protocol)'),
    send: library.func('long send(int fd, const void *data, size_t size, int flags)') as unknown as Calls['send'],
    recv: library.func('long recv(int fd, void *data, size_t size, int flags)'),
    close: library.func('int close(int fd)'),
    index: library.func('uint if_nametoindex(const char *name)'),
  };
  return calls;
}

/** The index of an interface in the network namespace this thread is in; 0 when there is none of that name. */
export const interfaceIndex = (name: string): number => libc().index(name);

/** An attribute: type, and its value. */
export function attribute(type: number, value: Buffer | number | string): Buffer {
  const payload =
    typeof value === 'number' ? u32(value) : typeof value === 'string' ? Buffer.from(`${value}\0`, 'latin1') : value;
  const whole = Buffer.alloc((4 + payload.length + 3) & ~3);
  whole.writeUInt16LE(4 + payload.length, 0);
  whole.writeUInt16LE(type, 2);
  payload.copy(whole, 4);
  return whole;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** A request: what is asked (RTM_…), its fixed part, and its attributes. */
export interface NetlinkRequest {
  type: number;
  flags?: number;
  body: Buffer[];
  /** for the error when the kernel refuses */
  what: string;
}

/**
 * A routing socket of the network namespace it was opened in, whichever thread uses it later. The kernel does what it is asked while the
 * request is sent, and may wait for a lock meanwhile: that is done on another thread.
 */
export class RouteSocket {
  readonly #fd: number;
  #sequence = 0;
  #open = true;

  /** In the namespace this thread is in. */
  constructor() {
    this.#fd = libc().socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE);
    if (this.#fd < 0) throw new SyscallError('socket AF_NETLINK', koffi.errno());
  }

  /** Has the kernel do it. Throws SyscallError with the errno it answered. */
  async request({ type, flags = 0, body, what }: NetlinkRequest): Promise<void> {
    const payload = Buffer.concat(body);
    const message = Buffer.alloc(NLMSG_HEADER + payload.length);
    message.writeUInt32LE(message.length, 0);
    message.writeUInt16LE(type, 4);
    message.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK | flags, 6);
    message.writeUInt32LE(++this.#sequence, 8);
    payload.copy(message, NLMSG_HEADER);
    const sent = await new Promise<number>((done, fail) =>
      libc().send.async(this.#fd, message, message.length, 0, (error, result) => (error ? fail(error) : done(result))),
    );
    if (sent !== message.length) throw new Error(`${what}: the kernel did not take the request`);
    const errno = this.#answer(what);
    if (errno !== 0) throw new SyscallError(what, errno);
  }

  /** struct nlmsgerr after the header: minus the errno, 0 for done. It is there when the request has been sent. */
  #answer(what: string): number {
    const buffer = Buffer.alloc(4096);
    const size = libc().recv(this.#fd, buffer, buffer.length, MSG_DONTWAIT);
    if (size < NLMSG_HEADER + 4 || buffer.readUInt16LE(4) !== NLMSG_ERROR || buffer.readUInt32LE(8) !== this.#sequence)
      throw new Error(`${what}: the kernel gave no answer`);
    return -buffer.readInt32LE(NLMSG_HEADER);
  }

  close(): void {
    if (this.#open) libc().close(this.#fd);
    this.#open = false;
  }
}
