import { Writable } from 'node:stream';
import type { Hijacked } from '../../http/router.ts';
import { DetachFilter } from './detach-keys.ts';

export const RAW_STREAM = 'application/vnd.docker.raw-stream';
export const MULTIPLEXED_STREAM = 'application/vnd.docker.multiplexed-stream';

/** A chunk with Docker's 8-byte head: the stream's number, three zeros, the length. */
export function frame(stream: 1 | 2, chunk: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(chunk.length, 4);
  return Buffer.concat([head, chunk]);
}

export interface StreamOptions {
  /** without the heads that tell the streams apart */
  raw: boolean;
  stdout: boolean;
  stderr: boolean;
}

/** Takes multiplexed output and gives it on without the heads. */
export function withoutHeads(target: Writable): Writable {
  let head = Buffer.alloc(0);
  let left = 0;
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const out: Buffer[] = [];
      for (let rest = chunk; rest.length > 0;) {
        if (left === 0) {
          const missing = 8 - head.length;
          head = Buffer.concat([head, rest.subarray(0, missing)]);
          rest = rest.subarray(missing);
          if (head.length < 8) break;
          left = head.readUInt32BE(4);
          head = Buffer.alloc(0);
        }
        out.push(rest.subarray(0, left));
        rest = rest.subarray(out.at(-1)?.length ?? 0);
        left -= out.at(-1)?.length ?? 0;
      }
      target.write(Buffer.concat(out), () => done());
    },
  });
}

/** Bytes that may wait for a client before the process is held back; dockerd's limit too. */
const MAX_WAITING = 1024 * 1024;

/** Gives a process's output to a client. The promise is there when the client is full, and resolves when it has room, or is gone. */
export type OutputWriter = (stream: 1 | 2, chunk: Buffer) => Promise<void> | undefined;

/** Gives a process's output to a client in the form it asked for. */
export function outputWriter(connection: Hijacked, options: StreamOptions): OutputWriter {
  const { writable } = connection;
  return (stream, chunk) => {
    if (stream === 1 ? !options.stdout : !options.stderr) return undefined;
    if (!writable.writable) return undefined;
    writable.write(options.raw ? chunk : frame(stream, chunk));
    return writable.writableLength < MAX_WAITING ? undefined : roomIn(writable);
  };
}

function roomIn(writable: Writable): Promise<void> {
  return new Promise((done) => {
    const settle = () => {
      writable.off('drain', settle);
      writable.off('close', settle);
      done();
    };
    writable.on('drain', settle);
    writable.on('close', settle);
  });
}

/** Resolves when what was written has left for the client, or the client is gone. */
export function flushed(connection: Hijacked): Promise<void> {
  const { writable, signal } = connection;
  if (writable.writableLength === 0 || signal.aborted || writable.destroyed) return Promise.resolve();
  return new Promise((done) => {
    writable.once('drain', done);
    writable.once('close', done);
    writable.once('error', () => done());
    writable.write('', () => done());
  });
}

export type InputEnd = 'ended' | 'detached' | 'gone';

/**
 * Hands what the client types to `write`, one chunk after another, until the client ends its input, types the detach keys, or goes.
 */
export async function pumpInput(
  connection: Hijacked,
  keys: Buffer | undefined,
  write: (chunk: Buffer) => Promise<void>,
): Promise<InputEnd> {
  const filter = keys === undefined ? undefined : new DetachFilter(keys);
  try {
    for await (const chunk of connection.readable.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      const { data, detached } = filter ? filter.feed(chunk) : { data: chunk, detached: false };
      if (data.length > 0) await write(data);
      if (detached) return 'detached';
    }
  } catch {
    return 'gone';
  }
  return connection.signal.aborted ? 'gone' : 'ended';
}
