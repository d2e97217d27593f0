import type { Duplex } from 'node:stream';
import koffi, { type KoffiFunc } from 'koffi';

const SIOCOUTQ = 0x5411;

let ioctl: KoffiFunc<(fd: number, request: number, value: number[]) => number> | undefined;

/**
 * Whether all that was written to a Unix socket has been read at its other end (SIOCOUTQ, see unix(7)): the kernel counts what it holds for
 * the reader. True where that cannot be told.
 */
export function isRead(socket: Duplex): boolean {
  const { fd = -1 } = (socket as { _handle?: { fd?: number } })._handle ?? {};
  if (fd < 0 || socket.destroyed) return true;
  ioctl ??= koffi.load('libc.so.6').func('int ioctl(int fd, ulong request, _Inout_ int *value)');
  const value = [0];
  return ioctl(fd, SIOCOUTQ, value) !== 0 || value[0] === 0;
}
