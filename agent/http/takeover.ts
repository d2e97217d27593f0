import { STATUS_CODES, type IncomingMessage } from 'node:http';
import { Readable, type Duplex } from 'node:stream';
import { statusOf } from '../api/errors.ts';
import { COMMON_HEADERS, errorBody, type OnError } from './answer.ts';
import { dechunk, RawBody } from './raw-body.ts';
import { hijackedFrom, type Reply, type Router } from './router.ts';
import { route } from './target.ts';
import { isRead } from '../system/unread.ts';
import { acceptWebSocket } from './websocket.ts';

export interface Takeover {
  router: Router;
  onError: OnError;
  /** gives a connection that stays HTTP back to the server */
  giveBack: (socket: Duplex) => void;
}

/** dockerd names this one whatever it sends when the client did not ask for an upgrade. */
const RAW_STREAM = 'application/vnd.docker.raw-stream';

/**
 * Answers a request whose connection may become a plain stream in both directions (attach, exec start). The request's body, if any, is
 * still on the socket. An answer of another kind, an error too, leaves the connection HTTP.
 */
export async function takeOver(parts: Takeover, req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const abort = new AbortController();
  const gone = () => abort.abort();
  const broken = () => socket.destroy();
  socket.on('close', gone);
  socket.on('error', broken);
  if (head.length > 0) socket.unshift(head);
  const body = new RawBody(socket, req.headers);
  const plain = (status: number, headers: Record<string, string>, text: string) => {
    if (socket.destroyed) return;
    const stays = body.taken && req.httpVersion === '1.1' && !/\bclose\b/i.test(req.headers.connection ?? '');
    const connection: Record<string, string> = stays ? {} : { Connection: 'close' };
    socket.write(rawHead(status, { ...headers, 'Content-Length': `${Buffer.byteLength(text)}`, ...connection }) + text);
    if (!stays) {
      socket.end();
      socket.resume();
      return;
    }
    socket.off('close', gone);
    socket.off('error', broken);
    parts.giveBack(socket);
  };
  try {
    const reply = await route(parts.router, req, body.read, abort.signal);
    if (reply.kind === 'hijack' || reply.kind === 'websocket') await serve(reply, req, socket, body, abort.signal);
    else if (reply.kind === 'json')
      plain(reply.status, { 'Content-Type': 'application/json', ...reply.headers }, `${JSON.stringify(reply.body)}\n`);
    else if (reply.kind === 'empty') plain(reply.status, { ...reply.headers }, '');
    else throw new Error('a stream on a connection that was taken over');
  } catch (error) {
    const status = statusOf(error);
    if (status === 500 && !abort.signal.aborted) parts.onError(error, `${req.method} ${req.url}`);
    if (TAKEN.has(socket)) socket.end();
    else plain(status, { 'Content-Type': 'application/json' }, errorBody(error));
  }
}

/** Connections on which the head of a stream has gone out: an error can no longer be told. */
const TAKEN = new WeakSet<Duplex>();

async function serve(
  reply: Extract<Reply, { kind: 'hijack' | 'websocket' }>,
  req: IncomingMessage,
  socket: Duplex,
  body: RawBody,
  signal: AbortSignal,
): Promise<void> {
  if (reply.kind === 'websocket') {
    const connection = acceptWebSocket(req, socket, reply.binary, (status, headers) => rawHead(status, headers));
    TAKEN.add(socket);
    await reply.run({ ...connection, signal });
    connection.writable.end();
    return;
  }
  TAKEN.add(socket);
  const upgrade = req.headers.upgrade !== undefined;
  socket.write(
    upgrade
      ? rawHead(101, { 'Content-Type': reply.contentType, Connection: 'Upgrade', Upgrade: 'tcp' }, 'UPGRADED')
      : rawHead(200, { 'Content-Type': RAW_STREAM }),
  );
  // Some clients send what they ask for as a body too; it is no input. dockerd loses it with its buffer.
  if (!body.chunked) for await (const _ of body.read());
  const headRead = holdUntilRead(socket);
  const connection = hijackedFrom(socket, signal);
  const chunked = body.chunked && !body.taken;
  await reply.run(chunked ? { ...connection, readable: Readable.from(dechunk(socket)) } : connection);
  // An end lets go of what is held.
  await headRead;
  socket.end();
  // The client's end is noticed only by reading up to it.
  socket.resume();
}

/** Milliseconds for which output waits for a client to read the head. */
const HEAD_UNREAD = 200;

/**
 * Holds what is written back until the client has read the head, for a moment. Some clients (python3-docker) read the head through a
 * buffer which they then leave, with all that came in the same read; here a command's output can follow within milliseconds.
 */
function holdUntilRead(socket: Duplex): Promise<void> {
  const until = Date.now() + HEAD_UNREAD;
  socket.cork();
  return new Promise((done) => {
    const look = () => {
      if (!isRead(socket) && Date.now() < until) return void setTimeout(look, 1);
      socket.uncork();
      done();
    };
    setImmediate(look);
  });
}

function rawHead(status: number, headers: Record<string, string>, reason = STATUS_CODES[status] ?? ''): string {
  const lines = Object.entries({ ...COMMON_HEADERS, ...headers }).map(([name, value]) => `${name}: ${value}`);
  return `HTTP/1.1 ${status} ${reason}\r\n${lines.join('\r\n')}\r\n\r\n`;
}
