import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SshConnection } from './connection.ts';

/** Serves a socket of this host (Windows: a named pipe); each connection goes to the engine's socket in the guest. */
export async function forwardSocket(local: string, remote: string, ssh: SshConnection): Promise<Server> {
  // a client may end its side and go on reading, as `docker run -i` does
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    open(remote, ssh)
      .then((stream) => join(socket, stream))
      .catch(() => socket.destroy());
  });
  if (!local.startsWith('\\\\')) await rm(local, { force: true });
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(local, done);
  });
  if (!local.startsWith('\\\\')) await chmod(local, 0o600);
  return server;
}

/** A stream to a unix socket in the guest. */
async function open(remote: string, ssh: SshConnection): Promise<Duplex> {
  const client = await ssh.client();
  return new Promise((done, fail) => {
    client.openssh_forwardOutStreamLocal(remote, (error, stream) => (error ? fail(error) : done(stream)));
  });
}

/** Both directions, each ended by itself; a broken end breaks the other. */
export function join(socket: Socket, stream: Duplex): void {
  socket.on('error', () => stream.destroy());
  stream.on('error', () => socket.destroy());
  socket.on('close', () => stream.destroy());
  stream.on('close', () => socket.destroySoon());
  socket.pipe(stream);
  stream.pipe(socket);
}
