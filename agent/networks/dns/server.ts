import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { framed } from './forward.ts';

/** Answers a query that came from `address`; undefined: no answer. */
export type Respond = (query: Buffer, address: string, overTcp: boolean) => Promise<Buffer | undefined>;

/** Milliseconds a TCP client may say nothing; clients at once. */
const TCP_IDLE = 10_000;
const TCP_CLIENTS = 256;

export interface DnsServer {
  close(): void;
}

/** Listens on port 53 of an address of this host, over UDP and TCP. Rejects with EADDRINUSE, EADDRNOTAVAIL … */
export async function listenDns(address: string, respond: Respond): Promise<DnsServer> {
  const udp = await listenUdp(address, respond);
  try {
    const tcp = await listenTcp(address, respond);
    return {
      close: () => {
        udp.close();
        tcp.close();
      },
    };
  } catch (error) {
    udp.close();
    throw error;
  }
}

function listenUdp(address: string, respond: Respond): Promise<UdpSocket> {
  const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', ipv6Only: address.includes(':') });
  socket.on('message', (query, from) => {
    void respond(query, from.address, false).then((reply) => {
      // The asker may be gone, and this socket too.
      if (reply) socket.send(reply, from.port, from.address, () => undefined);
    }, ignore);
  });
  return new Promise((done, fail) => {
    socket.once('error', fail);
    socket.bind({ address, port: 53, exclusive: true }, () => {
      socket.off('error', fail);
      socket.on('error', ignore);
      done(socket);
    });
  });
}

function listenTcp(address: string, respond: Respond): Promise<{ close(): void }> {
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    open.add(socket);
    socket.setTimeout(TCP_IDLE, () => socket.destroy());
    socket.on('error', ignore);
    socket.once('close', () => open.delete(socket));
    serveTcp(socket, respond);
  });
  server.maxConnections = TCP_CLIENTS;
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen({ host: address, port: 53, ipv6Only: address.includes(':'), exclusive: true }, () => {
      server.off('error', fail);
      server.on('error', ignore);
      done({
        close: () => {
          server.close();
          for (const socket of open) socket.destroy();
        },
      });
    });
  });
}

function serveTcp(socket: Socket, respond: Respond): void {
  let received: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      const query = Buffer.from(received.subarray(2, end));
      received = received.subarray(end);
      void respond(query, socket.remoteAddress ?? '', true).then((reply) => {
        if (reply && socket.writable) socket.write(framed(reply));
      }, ignore);
    }
  });
}

const ignore = (): void => undefined;
