import { close as closeFd, constants, open } from 'node:fs';
import { promisify } from 'node:util';
import { SeqpacketSocket } from 'node-unix-socket';
import { ConsoleBuffer, type ConsoleConnection } from './console-connection.ts';

/** conmon reads a packet into a buffer of 32 KiB and cuts off what is longer. */
const MAX_PACKET = 16 * 1024;
const openAsync = promisify(open);

/**
 * Connects to conmon's attach socket (SOCK_SEQPACKET). A packet is one byte that tells the stream, 2 stdout and 3 stderr, and the
 * data. The directory is opened and the socket named through /proc/self/fd, since a socket's name is limited to 107 bytes.
 */
export async function connectAttachSocket(directory: string): Promise<ConsoleConnection> {
  const fd = await openAsync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return await connect(`/proc/self/fd/${fd}/attach`);
  } finally {
    closeFd(fd, () => undefined);
  }
}

function connect(path: string): Promise<ConsoleConnection> {
  const socket = new SeqpacketSocket();
  const buffer = new ConsoleBuffer();
  let writable = true;
  let destroyed = false;
  let release: (() => void) | undefined;
  const destroy = () => {
    if (destroyed) return;
    destroyed = true;
    writable = false;
    socket.destroy();
    release?.();
    buffer.close();
  };
  socket.on('data', (packet: Buffer) => {
    // The native side uses its buffer again: what is kept must be a copy.
    if (packet.length > 1) buffer.output(packet[0] === 3 ? 2 : 1, Buffer.from(packet.subarray(1)));
  });
  socket.on('end', destroy);
  socket.on('close', destroy);
  const connection: ConsoleConnection = {
    onOutput: (listener) => buffer.onOutput(listener),
    onClose: (listener) => buffer.onClose(listener),
    write: async (chunk) => {
      for (let at = 0; at < chunk.length && writable; at += MAX_PACKET) {
        const packet = chunk.subarray(at, at + MAX_PACKET);
        await new Promise<void>((done) => {
          release = done;
          socket.write(packet, 0, packet.length, done);
        });
      }
    },
    end: () => {
      if (!writable) return;
      writable = false;
      socket.end();
    },
    close: destroy,
  };
  return new Promise((done, fail) => {
    socket.on('error', (error: Error) => {
      destroy();
      fail(error);
    });
    try {
      socket.connect(path, () => done(connection));
    } catch (error) {
      destroy();
      fail(error);
    }
  });
}
