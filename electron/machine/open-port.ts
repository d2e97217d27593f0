import { createSocket } from 'node:dgram';
import { createServer, isIPv6 } from 'node:net';
import { freePort } from './free-port.ts';
import { portOwner } from './port-owner.ts';
import { relayTcp } from './tcp-relay.ts';
import type { HostForward, MachineProcess } from './types.ts';

/** A published port as it was asked for; "0.0.0.0" is every address of this host, of both kinds. */
export interface PortWish {
  protocol: 'tcp' | 'udp';
  hostAddress: string;
  port: number;
}

export type PortWays = Pick<MachineProcess, 'forward' | 'unforward'>;

/** Closes it again; or why it could not be opened, in words that follow a colon, and who has it. */
export type Opened = { close(): Promise<void> } | { refused: string; owner?: string };

const LOOPBACK = /^(localhost|127\.)/;

/** Opens a port of this host that leads to the same one of the guest. */
export async function openPort(ways: PortWays, wish: PortWish, ownerOf = portOwner): Promise<Opened> {
  try {
    return await (isIPv6(wish.hostAddress) ? openIPv6(ways, wish) : openIPv4(ways, wish));
  } catch (error) {
    const code = error instanceof Unforwarded ? await whyNot(wish) : ((error as NodeJS.ErrnoException).code ?? '');
    return refusal(code, wish, await ownerOf(wish.protocol, wish.port));
  }
}

/** QEMU does not say why. */
class Unforwarded extends Error {}

async function forward(ways: PortWays, rule: HostForward): Promise<() => Promise<void>> {
  await ways.forward(rule).catch((error: unknown) => {
    throw new Unforwarded(String(error), { cause: error });
  });
  return () => ways.unforward(rule).catch(() => undefined);
}

async function openIPv4(ways: PortWays, { protocol, hostAddress, port }: PortWish): Promise<Opened> {
  const close = await forward(ways, { protocol, hostAddress, hostPort: port, guestPort: port });
  // "localhost" is often [::1] first; fine where there is no IPv6, or the port is somebody's there
  const also = hostAddress === '0.0.0.0' ? '::' : LOOPBACK.test(hostAddress) ? '::1' : undefined;
  const end = protocol === 'tcp' && also ? await relayTcp(also, port, port).catch(() => undefined) : undefined;
  return {
    close: () => {
      end?.();
      return close();
    },
  };
}

async function openIPv6(ways: PortWays, { protocol, hostAddress, port }: PortWish): Promise<Opened> {
  if (protocol === 'udp') return { refused: 'UDP is not forwarded from IPv6 addresses of this computer' };
  const between = await freePort();
  const end = await relayTcp(hostAddress, port, between);
  try {
    const close = await forward(ways, { protocol, hostAddress: '127.0.0.1', hostPort: between, guestPort: port });
    return {
      close: () => {
        end();
        return close();
      },
    };
  } catch (error) {
    end();
    throw error;
  }
}

const REASONS: Record<string, string> = {
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'cannot assign requested address: this computer has no such address',
  EACCES: 'permission denied: on this computer only root opens ports below 1024',
};

function refusal(code: string, { hostAddress }: PortWish, owner: string | undefined): Opened {
  if (owner !== undefined && (code === 'EADDRINUSE' || code === ''))
    return { refused: `${REASONS['EADDRINUSE']} on this computer by ${owner}`, owner };
  return { refused: REASONS[code] ?? `it cannot be opened on ${hostAddress} of this computer` };
}

/** The code of the system's refusal; '' when there is none now. */
function whyNot({ protocol, hostAddress, port }: PortWish): Promise<string> {
  return new Promise((done) => {
    const failed = (error: NodeJS.ErrnoException) => done(error.code ?? '');
    if (protocol === 'tcp') {
      const server = createServer().once('error', failed);
      server.listen({ host: hostAddress, port, exclusive: true }, () => server.close(() => done('')));
    } else {
      const socket = createSocket('udp4').once('error', failed);
      socket.bind({ address: hostAddress, port, exclusive: true }, () => socket.close(() => done('')));
    }
  });
}
