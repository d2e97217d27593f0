// @vitest-environment happy-dom
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { implement } from '@orpc/server';
import { RPCHandler } from '@orpc/server/ws';
import { WebSocket as NodeWebSocket, WebSocketServer } from 'ws';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { contract } from '../../electron/contract/contract.ts';
import { asAppError } from './errors.ts';
import { connectPort, connectSocket } from './connection.ts';
import { RPCHandler as PortHandler } from '@orpc/server/message-port';

const os = implement(contract);
let renamed: string[] = [];
const router = {
  containers: {
    rename: os.containers.rename.handler(({ input, errors }) => {
      if (input.name === 'taken') throw errors.FAILED({ data: { code: 'conflict', message: 'in use', field: 'name' } });
      renamed.push(input.name);
    }),
  },
};
const stops: (() => void)[] = [];
beforeEach(() => {
  renamed = [];
  vi.stubGlobal('WebSocket', NodeWebSocket);
});
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
  vi.unstubAllGlobals();
});

async function serve() {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http });
  const handler = new RPCHandler(router);
  sockets.on('connection', (socket) => handler.upgrade(socket));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  stops.push(() => {
    for (const client of sockets.clients) client.terminate();
    http.close();
  });
  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/rpc`,
    drop: () => sockets.clients.forEach((client) => client.terminate()),
  };
}

test('a call goes through, an expected failure keeps its field, and what breaks is connected again', async () => {
  const server = await serve();
  const connection = connectSocket(server.url);
  stops.push(connection.close);
  await connection.client.containers.rename({ id: 'a', name: 'one' });
  const failure = await connection.client.containers.rename({ id: 'a', name: 'taken' }).catch(asAppError);
  expect(failure).toEqual({ code: 'conflict', message: 'in use', field: 'name' });
  server.drop();
  await vi.waitFor(() => expect(connection.state.value).toBe('lost'));
  await connection.client.containers.rename({ id: 'a', name: 'two' });
  expect(connection.state.value).toBe('open');
  expect(renamed).toEqual(['one', 'two']);
});

test('input that the contract forbids names its field', async () => {
  const { url } = await serve();
  const connection = connectSocket(url);
  stops.push(connection.close);
  const failure = await connection.client.containers.rename({ id: '', name: 'x' }).catch(asAppError);
  expect(failure).toMatchObject({ code: 'invalid', field: 'id' });
});

test('in Electron the port comes with a message that was asked for', async () => {
  const channel = new MessageChannel();
  const handler = new PortHandler(router);
  handler.upgrade(channel.port1);
  channel.port1.start();
  const posted: unknown[] = [];
  const target = new EventTarget() as unknown as Window;
  target.postMessage = ((message: unknown) => {
    posted.push(message);
    const event = Object.assign(new Event('message'), { data: 'berth:port', ports: [channel.port2], source: target });
    queueMicrotask(() => target.dispatchEvent(event));
  }) as Window['postMessage'];
  const connection = connectPort(target);
  stops.push(() => (connection.close(), channel.port1.close(), channel.port2.close()));
  await connection.client.containers.rename({ id: 'a', name: 'by port' });
  expect(posted).toEqual(['berth:connect']);
  expect(renamed).toEqual(['by port']);
});
