import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WATCHING_HEADER } from '../engine/http.ts';
import { MachineError } from './types.ts';

/** What is told of the traffic: a client's request keeps the machine awake, a stream that only listens does not. */
export interface Traffic {
  /** connections that are open now, less those that only listen */
  busy(): number;
  /** of the last byte in either direction of such a connection: `performance.now()` */
  last(): number;
}

/** Streams that tell what happens, for as long as somebody looks. */
const LISTENING = /^GET (\/v\d+\.\d+)?\/(events|berth\/v1\/usage|_ping)\b/;
/** Lists that the window reads again by itself; the header is among the first. */
const WATCHING = new RegExp(`^${WATCHING_HEADER}: 1\r$`, 'im');
/** Bytes looked at: the names of forty containers may stand before it. */
const HEAD = 8 * 1024;

/**
 * Serves the engine's socket on this host (Windows: a named pipe). Each connection waits until `open` gives its stream to the guest; when
 * that fails, the client gets an answer in the engine's own form that says why and what to do.
 */
export class EngineSocket implements Traffic {
  readonly #open: () => Promise<Duplex>;
  readonly #server: Server;
  readonly #clients = new Map<Socket, boolean>();
  #last = performance.now();

  constructor(open: () => Promise<Duplex>) {
    this.#open = open;
    // a client may end its side and go on reading, as `docker run -i` does
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => this.#serve(socket));
  }

  async listen(path: string): Promise<void> {
    if (!path.startsWith('\\\\')) await rm(path, { force: true });
    await new Promise<void>((done, fail) => {
      this.#server.once('error', fail);
      this.#server.listen(path, done);
    });
    if (!path.startsWith('\\\\')) await chmod(path, 0o600);
  }

  busy(): number {
    return [...this.#clients.values()].filter(Boolean).length;
  }
  last(): number {
    return this.#last;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#clients.keys()) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#clients.set(socket, false);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#clients.delete(socket));
    this.#open().then(
      (stream) => {
        socket.on('data', (chunk: Buffer) => this.#note(socket, chunk));
        stream.on('data', () => this.#note(socket));
        join(socket, stream);
      },
      (error: unknown) => refuse(socket, error),
    );
  }

  /** A request begins a chunk of its own: clients send its head at once. */
  #note(socket: Socket, sent?: Buffer): void {
    if (sent) this.#clients.set(socket, isUse(sent.toString('latin1', 0, HEAD)));
    if (this.#clients.get(socket)) this.#last = performance.now();
  }
}

const isUse = (head: string): boolean => !LISTENING.test(head) && !WATCHING.test(head);

/** Both directions, each ended by itself; a broken end breaks the other. */
function join(socket: Socket, stream: Duplex): void {
  socket.on('error', () => stream.destroy());
  stream.on('error', () => socket.destroy());
  socket.on('close', () => stream.destroy());
  stream.on('close', () => (stream.readableEnded ? socket.destroySoon() : socket.destroy()));
  socket.pipe(stream);
  stream.pipe(socket);
}

function refuse(socket: Socket, error: unknown): void {
  const hint = error instanceof MachineError && error.hint !== '' ? ` (what to do: ${error.hint})` : '';
  const why = error instanceof Error ? error.message : String(error);
  const body = `${JSON.stringify({ message: `${why}${hint}` })}\n`;
  const head = ['HTTP/1.1 503 Service Unavailable', 'Content-Type: application/json', 'Connection: close'];
  socket.resume();
  socket.end(`${[...head, `Content-Length: ${Buffer.byteLength(body)}`].join('\r\n')}\r\n\r\n${body}`);
}
