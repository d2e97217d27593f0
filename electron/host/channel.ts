import type { MessagePort as NodeMessagePort } from 'node:worker_threads';
import { RPCHandler as PortHandler } from '@orpc/server/message-port';
import { RPCHandler as SocketHandler } from '@orpc/server/ws';
import type { WebSocket } from 'ws';
import type { HostRouter } from './router.ts';

/** Bytes waiting for a slow window before its streams are held back. */
const HIGH_WATER = 1024 * 1024;

/** Serves the contract over WebSockets. Streams wait while the socket is behind. */
export function socketChannel(router: HostRouter): (socket: WebSocket) => void {
  const handler = new SocketHandler(router);
  return (socket) => {
    const send = (data: Parameters<WebSocket['send']>[0]): Promise<void> | void => {
      if (socket.readyState !== socket.OPEN) return;
      if (socket.bufferedAmount < HIGH_WATER) return socket.send(data);
      return new Promise((done) => socket.send(data, () => done()));
    };
    void handler.upgrade({ addEventListener: socket.addEventListener.bind(socket), send: send as WebSocket['send'] });
  };
}

/** What a MessagePort of Electron's main process has; Node's own has it too. */
export interface Port {
  on(event: 'message', listener: (event: { data: unknown }) => void): void;
  on(event: 'close', listener: () => void): void;
  postMessage(data: unknown): void;
  start(): void;
}

/** Serves the contract over message ports. */
export function portChannel(router: HostRouter): (port: Port | NodeMessagePort) => void {
  const handler = new PortHandler(router);
  return (port) => {
    handler.upgrade(port as never);
    port.start();
  };
}
