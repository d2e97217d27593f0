import { close as closeFd, constants, open } from 'node:fs';
import { promisify } from 'node:util';
import { ConsoleBuffer, type ConsoleConnection } from './console-connection.ts';
import { connectSeqpacket } from './seqpacket.ts';

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

async function connect(path: string): Promise<ConsoleConnection> {
  const buffer = new ConsoleBuffer();
  const socket = await connectSeqpacket(path, (packet) => {
    if (packet.length > 1) buffer.output(packet[0] === 3 ? 2 : 1, packet.subarray(1));
  });
  let writable = true;
  const destroy = () => {
    writable = false;
    socket.destroy();
    buffer.close();
  };
  socket.on('end', destroy);
  socket.on('close', destroy);
  socket.on('error', destroy);
  return {
    onOutput: (listener) => buffer.onOutput(listener),
    onClose: (listener) => buffer.onClose(listener),
    write: async (chunk) => {
      // One write, one packet: Node would put several that wait together.
      for (let at = 0; at < chunk.length && writable; at += MAX_PACKET)
        await new Promise<void>((done) => socket.write(chunk.subarray(at, at + MAX_PACKET), () => done()));
    },
    end: () => {
      if (!writable) return;
      writable = false;
      socket.end();
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: destroy,
  };
}
