import { createSocket, type Socket } from 'node:dgram';
import type { Holder, Target } from './forward-tcp.ts';

/** docker-proxy's: a client that is silent for so long is forgotten. Milliseconds. */
const IDLE = 90_000;

interface Client {
  upstream: Socket;
  timer: NodeJS.Timeout;
}

/** The UDP counterpart of `holdTcp`: a socket to the container for each client, so that answers find their way back. */
export function holdUdp(hostIp: string, port: number, target: Target): Promise<Holder> {
  const clients = new Map<string, Client>();
  const six = hostIp.includes(':');
  const socket = createSocket({ type: six ? 'udp6' : 'udp4', ipv6Only: six });
  const forget = (key: string) => {
    const client = clients.get(key);
    if (!client) return;
    clients.delete(key);
    clearTimeout(client.timer);
    client.upstream.close();
  };
  socket.on('message', (message, from) => {
    const to = target();
    if (!to) return;
    const key = `${from.address} ${from.port}`;
    let client = clients.get(key);
    if (!client) {
      const upstream = createSocket(to.host.includes(':') ? 'udp6' : 'udp4');
      upstream.on('message', (answer) => {
        clients.get(key)?.timer.refresh();
        socket.send(answer, from.port, from.address, () => undefined);
      });
      upstream.on('error', () => forget(key));
      client = { upstream, timer: setTimeout(() => forget(key), IDLE).unref() };
      clients.set(key, client);
    }
    client.timer.refresh();
    client.upstream.send(message, to.port, to.host, () => undefined);
  });
  return new Promise((done, fail) => {
    socket.once('error', fail);
    socket.bind({ address: hostIp, port, exclusive: true }, () => {
      socket.off('error', fail);
      socket.on('error', () => undefined);
      done({
        close: () => {
          for (const key of [...clients.keys()]) forget(key);
          socket.close();
        },
      });
    });
  });
}
