import { createServer, connect, type Server, type Socket } from 'node:net';

/** Where connections go: the container's address and port. Undefined while it has none. */
export type Target = () => { host: string; port: number } | undefined;

export interface Holder {
  close(): void;
}

/**
 * Holds a TCP port of the host and forwards what reaches it. The kernel's DNAT takes most connections before they come here; those to
 * [::1], and those over IPv6 to a container that has only IPv4, do come, as they do to Docker's docker-proxy.
 * Rejects with the errno's code (EADDRINUSE, EADDRNOTAVAIL).
 */
export function holdTcp(hostIp: string, port: number, target: Target): Promise<Holder> {
  const open = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    const to = target();
    if (!to) return void client.destroy();
    const upstream = connect({ ...to, allowHalfOpen: true });
    join(client, upstream, open);
    upstream.once('connect', () => {
      client.pipe(upstream);
      upstream.pipe(client);
    });
  });
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen({ host: hostIp, port, ipv6Only: hostIp.includes(':'), exclusive: true }, () => {
      server.off('error', fail);
      server.on('error', () => undefined);
      done({
        close: () => {
          server.close();
          for (const socket of open) socket.destroy();
        },
      });
    });
  });
}

function join(client: Socket, upstream: Socket, open: Set<Socket>): void {
  const end = () => {
    client.destroy();
    upstream.destroy();
  };
  for (const socket of [client, upstream]) {
    open.add(socket);
    socket.setNoDelay(true);
    socket.on('error', end);
    socket.once('close', () => {
      open.delete(socket);
      // A closed side that has not yet handed all on is waited for: `pipe` ends the other side after the last byte.
      if (socket.destroyed && !socket.readableEnded) end();
    });
  }
}
