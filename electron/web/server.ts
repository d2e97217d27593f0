import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { CONTENT_SECURITY_POLICY } from './policy.ts';
import { WebSession } from './session.ts';
import { findFile, sendFile } from './static-files.ts';

export interface WebOptions {
  /** 0 chooses a free one */
  port: number;
  /** the built window */
  root: string;
  /** serves the contract on a connection that has been let in */
  onSocket: (socket: WebSocket) => void;
}
export interface WebServer {
  /** with the one-time token */
  readonly url: string;
  close(): Promise<void>;
}

/** Where the contract is served. */
const CHANNEL_PATH = '/rpc';
/** The largest message a window may send: a paste into a terminal. */
const MAX_MESSAGE = 8 * 1024 * 1024;

const HEADERS: Record<string, string> = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
};

/** Serves the window to one browser of this machine: loopback only, one-time token, Host and Origin checked. */
export async function startWebServer(options: WebOptions): Promise<WebServer> {
  const server = createServer();
  const port = await listen(server, options.port);
  const gate = new Gate(port);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE });
  server.on('request', (req, res) => {
    for (const [name, value] of Object.entries(HEADERS)) res.setHeader(name, value);
    answer(gate, options.root, req, res).catch(() =>
      page(res, 500, 'Berth could not read its own files. Build it again: npm run build.'),
    );
  });
  server.on('upgrade', (req, socket, head) => {
    const refusal = gate.refuseSocket(req);
    if (refusal) return refuse(socket, refusal);
    sockets.handleUpgrade(req, socket, head, options.onSocket);
  });
  return {
    url: `http://127.0.0.1:${port}/?token=${gate.session.token}`,
    close: () =>
      new Promise((done) => {
        for (const client of sockets.clients) client.terminate();
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', fail);
      done((server.address() as AddressInfo).port);
    });
  });
}

/** Decides who is let in. */
class Gate {
  readonly session: WebSession;
  readonly #hosts: ReadonlySet<string>;

  constructor(port: number) {
    this.session = new WebSession(port);
    this.#hosts = new Set([`127.0.0.1:${port}`, `localhost:${port}`]);
  }

  /** A name of an attacker's that resolves to 127.0.0.1 comes with that name as Host. */
  knowsHost(req: IncomingMessage): boolean {
    return this.#hosts.has((req.headers.host ?? '').toLowerCase());
  }

  /** The status a WebSocket is refused with. */
  refuseSocket(req: IncomingMessage): string | undefined {
    if (!this.knowsHost(req)) return '421 Misdirected Request';
    const { origin } = req.headers;
    if (origin === undefined || !this.#hosts.has(origin.toLowerCase().replace(/^http:\/\//, '')))
      return '403 Forbidden';
    if (!this.session.owns(req.headers.cookie)) return '401 Unauthorized';
    return (req.url ?? '').split('?')[0] === CHANNEL_PATH ? undefined : '404 Not Found';
  }
}

async function answer(gate: Gate, root: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (!gate.knowsHost(req))
    return page(res, 421, 'This address is not Berth’s. Use the one it printed when it started.');
  if (req.method !== 'GET' && req.method !== 'HEAD') return page(res, 405, 'Only GET is served here.');
  const [path = '/', query = ''] = (req.url ?? '/').split('?');
  if (!path.startsWith('/')) return page(res, 400, 'Not a path.');
  const token = path === '/' ? new URLSearchParams(query).get('token') : null;
  if (!gate.session.owns(req.headers.cookie)) return enter(gate, token, res);
  // The token is taken out of the address, so that it is neither shown nor kept in the history.
  if (token !== null) return redirect(res);
  const file = await findFile(root, path);
  if (file) return sendFile(req, res, file);
  if (path === '/') return page(res, 503, 'The window is not built yet. Run: npm run build.');
  return page(res, 404, 'There is nothing here.');
}

function enter(gate: Gate, token: string | null, res: ServerResponse): void {
  const cookie = token === null ? undefined : gate.session.redeem(token);
  if (cookie !== undefined) {
    res.setHeader('Set-Cookie', cookie);
    return redirect(res);
  }
  page(
    res,
    401,
    token === null
      ? 'Open Berth with the address it printed when it started: it carries a token that lets this browser in.'
      : 'This address has been used already, or is another start’s. Its token lets in one browser, once. Start `berth ui` again for a new address.',
  );
}

function redirect(res: ServerResponse): void {
  res.writeHead(303, { Location: '/', 'Cache-Control': 'no-store' });
  res.end();
}

/** `text` is Berth's own, not a request's: nothing in it needs escaping. */
function page(res: ServerResponse, status: number, text: string): void {
  if (res.headersSent) return void res.destroy();
  res.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
  res.end(
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>Berth</title><h1>Berth</h1><p>${text}</p></html>\n`,
  );
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
