import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** JSON values, one a line, as they come. Ends with the stream, or when `signal` is aborted; destroys the stream in the end. */
export async function* jsonLines<T>(stream: Readable, signal?: AbortSignal): AsyncGenerator<T> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const stop = () => stream.destroy();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as T;
    }
    if (rest.trim() !== '') yield JSON.parse(rest) as T;
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    stream.destroy();
  }
}

export interface Frame {
  stream: 'stdout' | 'stderr';
  data: Buffer;
}

/**
 * Takes apart Docker's multiplexed stream: 8 bytes of head (stream number, three zeros, big-endian length), then that many bytes
 * (https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Container/operation/ContainerAttach, "Stream format").
 */
export class Demultiplexer {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that are whole now. `data` shares memory with `chunk`. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    while (bytes.length - at >= 8) {
      const length = bytes.readUInt32BE(at + 4);
      if (bytes.length - at - 8 < length) break;
      frames.push({ stream: bytes[at] === 2 ? 'stderr' : 'stdout', data: bytes.subarray(at + 8, at + 8 + length) });
      at += 8 + length;
    }
    this.#rest = bytes.subarray(at);
    return frames;
  }
}
