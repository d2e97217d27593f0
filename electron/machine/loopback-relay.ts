import { connect, createServer } from 'node:net';

/**
 * "localhost" is often [::1] first, where QEMU forwards nothing: connections there go on to the same port of 127.0.0.1. Resolves with
 * how to end it, or undefined where this host has no IPv6 or the port is taken there: 127.0.0.1 is then all there is.
 */
export function relayLoopback(port: number): Promise<(() => void) | undefined> {
  return new Promise((done) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
      const upstream = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
      const end = () => {
        client.destroy();
        upstream.destroy();
      };
      client.on('error', end);
      upstream.on('error', end);
      client.pipe(upstream).pipe(client);
    });
    server.once('error', () => done(undefined));
    server.listen({ host: '::1', port, ipv6Only: true }, () => {
      server.on('error', () => undefined);
      done(() => server.close());
    });
  });
}
