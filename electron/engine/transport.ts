import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { socketAddress } from '../contract/socket-address.ts';
import { type Endpoint, formatEndpoint } from './endpoint.ts';

/** Opens byte streams to an engine's socket. */
export interface Transport {
  /** the address, for people */
  readonly address: string;
  connect(): Promise<Duplex>;
  close(): void;
}

export function unixTransport(path: string): Transport {
  return {
    address: socketAddress(path),
    connect: () =>
      new Promise((done, fail) => {
        const socket = connect(path);
        socket.once('error', fail);
        socket.once('connect', () => {
          socket.off('error', fail);
          done(socket);
        });
      }),
    close: () => undefined,
  };
}

/** ssh is loaded only where it is used: it is large. */
export async function openTransport(endpoint: Endpoint): Promise<Transport> {
  if (endpoint.kind === 'unix') return unixTransport(endpoint.path);
  const { sshTransport } = await import('./ssh-transport.ts');
  return sshTransport({ ...endpoint, address: formatEndpoint(endpoint) });
}
