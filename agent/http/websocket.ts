import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { invalid } from '../api/errors.ts';

/** RFC 6455, section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
/** The largest frame a client may send: what it types or pipes comes in small ones. */
const MAX_FRAME = 16 * 1024 * 1024;
/** close: the other side broke the protocol; its frame is too large */
const [PROTOCOL_ERROR, TOO_LARGE] = [1002, 1009];

/**
 * Accepts a WebSocket (RFC 6455) on a connection that was taken over, and gives its two directions: payloads of the client's frames are
 * read, each chunk written is a frame. Throws `invalid-parameter` when the request is not one for a WebSocket; nothing was sent then.
 */
export function acceptWebSocket(
  req: IncomingMessage,
  socket: Duplex,
  binary: boolean,
  head: (status: number, headers: Record<string, string>) => string,
): { readable: Duplex; writable: Duplex } {
  const { upgrade, 'sec-websocket-key': key, 'sec-websocket-version': version } = req.headers;
  if (upgrade?.toLowerCase() !== 'websocket' || !/\bupgrade\b/i.test(req.headers.connection ?? ''))
    throw invalid('not websocket protocol');
  if (typeof key !== 'string' || key === '') throw invalid('mismatch challenge/response');
  if (version !== '13') throw invalid('missing or bad WebSocket Version');
  const protocol = req.headers['sec-websocket-protocol'];
  socket.write(
    head(101, {
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Accept': createHash('sha1')
        .update(key + GUID)
        .digest('base64'),
      ...(protocol === undefined || protocol.includes(',') ? {} : { 'Sec-WebSocket-Protocol': protocol }),
    }),
  );
  const stream = new WebSocketStream(socket, binary ? OPCODE.binary : OPCODE.text);
  return { readable: stream, writable: stream };
}

/** A server's frame: whole, unmasked. */
export function encodeFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const size = length < 126 ? 2 : length < 0x10000 ? 4 : 10;
  const frame = Buffer.allocUnsafe(size + length);
  frame[0] = 0x80 | opcode;
  if (size === 2) frame[1] = length;
  else if (size === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  payload.copy(frame, size);
  return frame;
}

export interface Frame {
  opcode: number;
  payload: Buffer;
}

/** Takes a client's frames out of what arrives. Throws RangeError with the close code as message. */
export class FrameReader {
  #buffer: Buffer = Buffer.alloc(0);

  feed(chunk: Buffer): Frame[] {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | undefined {
    const buffer = this.#buffer;
    if (buffer.length < 2) return undefined;
    const [first, second] = [buffer[0] as number, buffer[1] as number];
    const short = second & 0x7f;
    // Clients mask; the reserved bits belong to extensions, of which none was agreed on.
    if ((second & 0x80) === 0 || (first & 0x70) !== 0) throw new RangeError(String(PROTOCOL_ERROR));
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (buffer.length < start + 4) return undefined;
    const length = short < 126 ? short : short === 126 ? buffer.readUInt16BE(2) : Number(buffer.readBigUInt64BE(2));
    if (length > MAX_FRAME) throw new RangeError(String(TOO_LARGE));
    if (buffer.length < start + 4 + length) return undefined;
    const mask = buffer.subarray(start, start + 4);
    const payload = Buffer.from(buffer.subarray(start + 4, start + 4 + length));
    for (let at = 0; at < length; at += 1) payload[at] = (payload[at] as number) ^ (mask[at & 3] as number);
    this.#buffer = buffer.subarray(start + 4 + length);
    return { opcode: first & 0x0f, payload };
  }
}

/** The payloads of a WebSocket in both directions. Ends when the client says so; says so itself when ended. */
class WebSocketStream extends Duplex {
  readonly #socket: Duplex;
  readonly #opcode: number;
  readonly #reader = new FrameReader();

  constructor(socket: Duplex, opcode: number) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#opcode = opcode;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => this.push(null));
    socket.on('close', () => this.destroy());
  }

  #take(chunk: Buffer): void {
    try {
      for (const { opcode, payload } of this.#reader.feed(chunk)) this.#frame(opcode, payload);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#close(Number(error.message));
      this.#socket.destroy();
    }
  }

  #frame(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.ping) this.#socket.write(encodeFrame(OPCODE.pong, payload));
    else if (opcode === OPCODE.close) {
      this.#socket.write(encodeFrame(OPCODE.close, payload.subarray(0, 2)));
      this.push(null);
      this.#socket.end();
    } else if (opcode <= OPCODE.binary && payload.length > 0 && !this.readableEnded && !this.push(payload))
      this.#socket.pause();
  }

  #close(code: number): void {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    if (this.#socket.writable) this.#socket.write(encodeFrame(OPCODE.close, payload));
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (!this.#socket.writable) return done();
    this.#socket.write(encodeFrame(this.#opcode, chunk), () => done());
  }

  override _final(done: () => void): void {
    this.#close(1000);
    this.#socket.end();
    done();
  }

  override _destroy(_error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#socket.destroyed) this.#socket.end();
    done(null);
  }
}
