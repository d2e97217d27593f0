import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib';
import { ZstdFrames, isZstd } from './zstd-frames.ts';

/** Takes compressed pieces, hands out plain ones. What the compression is, the first bytes say, as for Docker; media types may lie. */
export interface Decompressor {
  /** Resolves when the next piece may follow. */
  write(chunk: Buffer): Promise<void>;
  /** Resolves when all was handed out. */
  end(): Promise<void>;
  destroy(): void;
}

const OUTPUT_PIECE = 256 * 1024;

function streamed(stream: Gunzip | ZstdDecompress, use: (chunk: Buffer) => void): Decompressor {
  let failure: Error | undefined;
  let wake: (() => void) | undefined;
  const settle = () => {
    wake?.();
    wake = undefined;
  };
  let ended = false;
  stream.on('data', (chunk: Buffer) => {
    if (failure) return;
    try {
      use(chunk);
    } catch (error) {
      failure = error as Error;
      stream.destroy();
      settle();
    }
  });
  stream.on('error', (error) => {
    failure ??= error;
    settle();
  });
  stream.on('end', () => {
    ended = true;
    settle();
  });
  stream.on('drain', settle);
  const check = () => {
    if (failure) throw failure;
  };
  return {
    write: async (chunk) => {
      check();
      if (stream.write(chunk)) return;
      await new Promise<void>((done) => (wake = done));
      check();
    },
    end: async () => {
      check();
      stream.end();
      while (!ended && !failure) await new Promise<void>((done) => (wake = done));
      check();
    },
    destroy: () => {
      failure ??= new Error('destroyed');
      stream.destroy();
    },
  };
}

const plain = (use: (chunk: Buffer) => void): Decompressor => ({
  write: async (chunk) => use(chunk),
  end: async () => undefined,
  destroy: () => undefined,
});

/** Frame by frame, each with a decompressor of its own. */
function zstd(use: (chunk: Buffer) => void): Decompressor {
  const frames = new ZstdFrames();
  let current: Decompressor | undefined;
  return {
    write: async (chunk) => {
      for (const { data, last } of frames.split(chunk)) {
        current ??= streamed(createZstdDecompress({ chunkSize: OUTPUT_PIECE }), use);
        await current.write(data);
        if (!last) continue;
        await current.end();
        current = undefined;
      }
    },
    end: async () => {
      if (!frames.atEnd) throw new Error('unexpected end of file');
    },
    destroy: () => current?.destroy(),
  };
}

function choose(head: Buffer, use: (chunk: Buffer) => void): Decompressor {
  if (head[0] === 0x1f && head[1] === 0x8b) return streamed(createGunzip({ chunkSize: OUTPUT_PIECE }), use);
  return isZstd(head.readUInt32LE(0)) ? zstd(use) : plain(use);
}

/** `use` is called synchronously with each plain piece; what it throws comes out of `write` or `end`. */
export function createDecompressor(use: (chunk: Buffer) => void): Decompressor {
  let head: Buffer = Buffer.alloc(0);
  let chosen: Decompressor | undefined;
  return {
    write: async (chunk) => {
      if (chosen) return chosen.write(chunk);
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      if (head.length < 4) return;
      chosen = choose(head, use);
      await chosen.write(head);
    },
    end: async () => {
      if (!chosen && head.length > 0) use(head);
      await chosen?.end();
    },
    destroy: () => chosen?.destroy(),
  };
}
