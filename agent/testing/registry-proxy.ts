import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  method: string;
  url: string;
  range: string | undefined;
  authorization: string | undefined;
  /** bytes of the body that were passed on */
  sent: number;
}

export interface ProxyOptions {
  /** Cuts the connection after so many bytes of a blob; undefined: not this time. Called for each blob's answer. */
  cutAfter?: (request: SeenRequest) => number | undefined;
  /** Waits before each piece of a blob, so that a test can act in the middle. */
  beforePiece?: (request: SeenRequest) => Promise<void> | undefined;
  /** Changes pieces of a blob. */
  change?: (request: SeenRequest, piece: Buffer) => Buffer;
  /** Answers instead of the registry when it returns true. */
  answer?: (req: IncomingMessage, res: ServerResponse) => boolean;
}

export interface RegistryProxy {
  /** "127.0.0.1:PORT" */
  host: string;
  requests: SeenRequest[];
  options: ProxyOptions;
  stop(): Promise<void>;
}

/** Stands before a registry and fails as networks do: cut, slow or damaged answers. Keeps a list of what was asked. */
export async function startProxy(target: string, options: ProxyOptions = {}, port = 0): Promise<RegistryProxy> {
  const requests: SeenRequest[] = [];
  const proxy = { options };
  const server = createServer((req, res) => {
    const seen: SeenRequest = {
      method: req.method ?? '',
      url: req.url ?? '',
      range: req.headers.range,
      authorization: req.headers.authorization,
      sent: 0,
    };
    requests.push(seen);
    if (proxy.options.answer?.(req, res)) return;
    const upstream = request(`http://${target}${req.url}`, { method: req.method, headers: req.headers }, (answer) => {
      void forward(answer, res, seen, proxy.options).catch(() => res.destroy());
    });
    upstream.on('error', () => res.destroy());
    req.pipe(upstream);
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get options() {
      return proxy.options;
    },
    set options(value) {
      proxy.options = value;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}

async function forward(
  answer: IncomingMessage,
  res: ServerResponse,
  seen: SeenRequest,
  options: ProxyOptions,
): Promise<void> {
  res.writeHead(answer.statusCode ?? 502, answer.headers);
  const isBlob = seen.method === 'GET' && seen.url.includes('/blobs/');
  const cut = isBlob ? options.cutAfter?.(seen) : undefined;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    if (isBlob) await options.beforePiece?.(seen);
    const left = cut === undefined ? piece.length : cut - seen.sent;
    const changed = isBlob && options.change ? options.change(seen, piece) : piece;
    const part = changed.subarray(0, Math.max(0, left));
    seen.sent += part.length;
    if (part.length > 0 && !res.write(part)) await drained(res);
    if (res.destroyed) return;
    if (left < piece.length) {
      // what was written goes out before the connection ends
      await new Promise((done) => setTimeout(done, 20));
      res.destroy();
      answer.destroy();
      return;
    }
  }
  res.end();
}

function drained(res: ServerResponse): Promise<void> {
  return new Promise((done) => {
    const settle = () => {
      res.off('drain', settle).off('close', settle);
      done();
    };
    res.on('drain', settle).on('close', settle);
  });
}
