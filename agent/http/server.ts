import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { answer, type OnError } from './answer.ts';
import type { Router } from './router.ts';
import { takeOver } from './takeover.ts';

export interface ServerOptions {
  router: Router;
  onError: OnError;
}

/** The HTTP side of the engine: versions, errors, streams and hijacked connections. Routes come from the router. */
export function createEngineServer({ router, onError }: ServerOptions): Server {
  const takesOver = (req: IncomingMessage) => router.takesOver(req.method ?? '', pathOf(req));
  const server = createServer({
    keepAliveTimeout: 60_000,
    requestTimeout: 0,
    headersTimeout: 60_000,
    shouldUpgradeCallback: takesOver,
  });
  // As in Go: a client may end its side before it has the answer.
  (server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true;
  const taken = new Set<Duplex>();
  const giveBack = (socket: Duplex) => {
    taken.delete(socket);
    server.emit('connection', socket);
  };
  server.on('connection', (socket: Duplex) => offerAll(socket));
  server.on('request', (req, res) => void answer(router, req, res, onError));
  server.on('upgrade', (req, socket, head) => {
    taken.add(socket);
    socket.once('close', () => taken.delete(socket));
    void takeOver({ router, onError, giveBack }, req, socket, head);
  });
  // The server forgets those it handed out.
  const closeOwn = server.closeAllConnections.bind(server);
  server.closeAllConnections = () => {
    closeOwn();
    for (const socket of taken) socket.destroy();
  };
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end(BAD_REQUEST);
    // What is left unread would keep the connection.
    socket.resume();
  });
  return server;
}

/** What Go's server says to what is no HTTP. */
const BAD_REQUEST =
  'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request';

const pathOf = (req: IncomingMessage): string => (req.url ?? '/').replace(/\?.*$/s, '').replace(/^\/v[0-9.]+\//, '/');

/**
 * Attach and exec take the connection whether or not the client asked for an upgrade: dockerd answers 200 then, and plain bytes follow in
 * both directions. Node asks only about requests that say so; here each is said to, and `shouldUpgradeCallback` decides.
 */
function offerAll(socket: Duplex): void {
  const { parser } = socket as { parser?: { onIncoming?: (req: IncomingMessage, keepAlive: boolean) => unknown } };
  const next = parser?.onIncoming;
  if (!parser || !next) return;
  parser.onIncoming = (req, keepAlive) => {
    (req as { upgrade?: boolean }).upgrade = true;
    return next(req, keepAlive);
  };
}
