import type { IncomingHttpHeaders } from 'node:http';
import { Readable, type Duplex } from 'node:stream';
import { invalid } from '../api/errors.ts';
import { MAX_JSON_BODY } from './json-body.ts';

/** The longest line of a chunk's head. */
const MAX_LINE = 4096;

/**
 * The body of a request whose connection was taken over: it still lies on the socket, before what the client sends afterwards. Either
 * it is read whole (what follows stays on the socket), or all is left to the one who took the connection, as in dockerd.
 */
export class RawBody {
  readonly #socket: Duplex;
  readonly #length: number;
  readonly chunked: boolean;
  readonly #expects: boolean;
  /** nothing of the body is left on the socket */
  taken: boolean;

  constructor(socket: Duplex, headers: IncomingHttpHeaders) {
    this.#socket = socket;
    this.chunked = /\bchunked\b/i.test(headers['transfer-encoding'] ?? '');
    this.#length = this.chunked ? 0 : Number(headers['content-length'] ?? 0);
    this.#expects = /100-continue/i.test(headers.expect ?? '');
    this.taken = !this.chunked && this.#length === 0;
  }

  read = (): Readable => Readable.from(this.#whole());

  async *#whole(): AsyncGenerator<Buffer> {
    if (this.taken) return;
    if (this.#length > MAX_JSON_BODY) throw invalid('request body too large');
    if (this.#expects) this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    if (this.chunked) yield* dechunk(this.#socket, MAX_JSON_BODY);
    else yield await new RawReader(this.#socket).take(this.#length);
    this.taken = true;
  }
}

/** Reads pieces of known length off a socket; never more than that. */
class RawReader {
  readonly #socket: Duplex;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  async take(length: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let left = length;
    while (left > 0) {
      const chunk = await this.#some();
      chunks.push(chunk.subarray(0, left));
      if (chunk.length > left) this.#socket.unshift(chunk.subarray(left));
      left -= Math.min(left, chunk.length);
    }
    return Buffer.concat(chunks);
  }

  /** Up to CR LF, without it. */
  async line(): Promise<string> {
    let text = '';
    for (;;) {
      const chunk = await this.#some();
      const at = chunk.indexOf(10);
      text += chunk.toString('latin1', 0, at < 0 ? chunk.length : at);
      if (text.length > MAX_LINE) throw invalid('malformed chunked encoding');
      if (at < 0) continue;
      if (at + 1 < chunk.length) this.#socket.unshift(chunk.subarray(at + 1));
      if (!text.endsWith('\r')) throw invalid('malformed chunked encoding');
      return text.slice(0, -1);
    }
  }

  async #some(): Promise<Buffer> {
    const socket = this.#socket;
    for (;;) {
      const chunk = socket.read() as Buffer | null;
      if (chunk !== null) return chunk;
      if (socket.readableEnded || socket.destroyed) throw invalid('unexpected EOF');
      await new Promise<void>((done) => {
        const settle = () => {
          for (const name of ['readable', 'end', 'close']) socket.off(name, settle);
          done();
        };
        for (const name of ['readable', 'end', 'close']) socket.on(name, settle);
      });
    }
  }
}

/** The chunks of `Transfer-Encoding: chunked` (RFC 9112, section 7.1), trailers dropped; what follows stays on the socket. */
export async function* dechunk(socket: Duplex, limit = Number.MAX_SAFE_INTEGER): AsyncGenerator<Buffer> {
  const reader = new RawReader(socket);
  for (let total = 0; ;) {
    const size = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?$/i.exec(await reader.line())?.[1];
    if (size === undefined) throw invalid('malformed chunked encoding');
    const length = Number.parseInt(size, 16);
    if (length === 0) break;
    total += length;
    if (total > limit) throw invalid('request body too large');
    yield await reader.take(length);
    if ((await reader.line()) !== '') throw invalid('malformed chunked encoding');
  }
  while ((await reader.line()) !== '');
}
