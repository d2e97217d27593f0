import { createSocket } from 'node:dgram';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until the condition holds; fails after `patience` milliseconds. */
export async function until(condition: () => Promise<boolean>, patience = 30_000): Promise<void> {
  const end = performance.now() + patience;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`after ${patience} ms still not: ${condition.toString()}`);
    await sleep(50);
  }
}

/** What a TCP server says until it ends, or the error's code. */
export function tcp(host: string, port: number): Promise<string> {
  return new Promise((done) => {
    let text = '';
    const socket = connect({ host, port });
    socket.setTimeout(10_000, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? 'error'));
    socket.on('close', () => done(text.trim()));
  });
}

/** The answer to one datagram; '' when none comes in a second. */
export function udp(host: string, port: number, message: string): Promise<string> {
  return new Promise((done) => {
    const socket = createSocket('udp4');
    const end = (text: string) => {
      clearTimeout(timer);
      socket.close();
      done(text);
    };
    const timer = setTimeout(() => end(''), 1_000);
    socket.on('message', (data) => end(data.toString('utf8')));
    socket.on('error', () => end(''));
    socket.send(message, port, host);
  });
}

/** A TCP server of the test's own. */
export async function listen(host: string, port: number, serve: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    serve(socket);
  });
  await new Promise<void>((done) => server.listen(port, host, done));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((done) => server.close(done)),
  };
}
