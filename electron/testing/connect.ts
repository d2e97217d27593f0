import { MessageChannel } from 'node:worker_threads';
import { createORPCClient } from '@orpc/client';
import { RPCLink as PortLink } from '@orpc/client/message-port';
import { RPCLink as SocketLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { WebSocket, WebSocketServer } from 'ws';
import type { contract } from '../contract/contract.ts';
import { portChannel, socketChannel } from '../host/channel.ts';
import type { HostRouter } from '../host/router.ts';

export type Client = ContractRouterClient<typeof contract>;
export interface TestConnection {
  client: Client;
  /** as when the window is closed */
  close(): Promise<void>;
}
/** Connects a window to a host, in one of the ways there are. */
export type Connect = (router: HostRouter) => Promise<TestConnection>;

export const connectByPort: Connect = async (router) => {
  const { port1, port2 } = new MessageChannel();
  portChannel(router)(port1);
  const client: Client = createORPCClient(new PortLink({ port: port2 }));
  port2.start();
  return { client, close: async () => port2.close() };
};

export const connectBySocket: Connect = async (router) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((done) => server.once('listening', done));
  server.on('connection', socketChannel(router));
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as { port: number }).port}`);
  await new Promise((done) => socket.once('open', done));
  const client: Client = createORPCClient(new SocketLink({ websocket: socket as unknown as globalThis.WebSocket }));
  return {
    client,
    close: async () => {
      socket.close();
      await new Promise((done) => socket.once('close', done));
      server.close();
    },
  };
};

/** Reads a stream until an item that `found` accepts; ends the stream then. Throws after `timeout` milliseconds. */
export async function until<T>(
  stream: AsyncIterable<T> & AsyncIterator<T>,
  found: (item: T) => boolean,
  timeout = 15_000,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const seen: T[] = [];
  const late = new Promise<never>((_done, fail) => {
    timer = setTimeout(
      () => fail(new Error(`not seen within ${timeout} ms; last: ${JSON.stringify(seen.slice(-3))}`)),
      timeout,
    );
  });
  try {
    for (;;) {
      const next = await Promise.race([stream.next(), late]);
      if (next.done) throw new Error(`the stream ended; last: ${JSON.stringify(seen.slice(-3))}`);
      seen.push(next.value);
      if (found(next.value)) return next.value;
    }
  } finally {
    clearTimeout(timer);
    void stream.return?.();
  }
}
