import { connect, createServer } from 'node:net';

/**
 * Connections to an IPv6 address of this host go on to a port of 127.0.0.1: QEMU forwards from IPv4 addresses alone. Resolves with how to
 * end it; rejects with the system's code where this host has no such address, or the port is taken there.
 */
export function relayTcp(address: string, port: number, to: number): Promise<() => void> {
  return new Promise((done, fail) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
      const upstream = connect({ host: '127.0.0.1', port: to, allowHalfOpen: true });
      const end = () => {
        client.destroy();
        upstream.destroy();
      };
      client.on('error', end);
      upstream.on('error', end);
      client.pipe(upstream).pipe(client);
    });
    server.once('error', fail);
    server.listen({ host: address, port, ipv6Only: true }, () => {
      server.on('error', () => undefined);
      done(() => server.close());
    });
  });
}
