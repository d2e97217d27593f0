import { randomBytes } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createDecompressor } from './decompress.ts';
import { ZstdFrames } from './zstd-frames.ts';

const skippable = (size: number) => {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184d2a5a, 0);
  head.writeUInt32LE(size, 4);
  return Buffer.concat([head, Buffer.alloc(size, 0x28)]);
};
const params = { [constants.ZSTD_c_checksumFlag]: 1 };
const parts = [
  Buffer.alloc(400_000, 'run'),
  randomBytes(200_000),
  Buffer.from('tiny'),
  Buffer.alloc(0),
  Buffer.alloc(300_000),
];
const blob = Buffer.concat([
  skippable(0),
  ...parts.flatMap((part, index) => [zstdCompressSync(part, index % 2 ? { params } : {}), skippable(index * 3)]),
]);

async function decompress(input: Buffer, piece: number): Promise<Buffer> {
  const out: Buffer[] = [];
  const decompressor = createDecompressor((chunk) => out.push(Buffer.from(chunk)));
  for (let at = 0; at < input.length; at += piece) await decompressor.write(input.subarray(at, at + piece));
  await decompressor.end();
  return Buffer.concat(out);
}

describe('ZstdFrames', () => {
  it('finds every frame, wherever the input is cut', () => {
    for (const piece of [1, 2, 3, 5, 1000, blob.length]) {
      const frames = new ZstdFrames();
      let ends = 0;
      for (let at = 0; at < blob.length; at += piece)
        for (const { last } of frames.split(blob.subarray(at, at + piece))) ends += last ? 1 : 0;
      expect([piece, ends, frames.atEnd]).toEqual([piece, parts.length, true]);
    }
  });

  it('gives the decompressor all frames in turn', async () => {
    for (const piece of [509, 65_536, blob.length])
      expect((await decompress(blob, piece)).equals(Buffer.concat(parts))).toBe(true);
  });

  it('notices a cut and what is no frame', async () => {
    await expect(decompress(blob.subarray(0, blob.length - 2), 1000)).rejects.toThrow('unexpected end of file');
    const first = zstdCompressSync('x');
    await expect(decompress(Buffer.concat([first, Buffer.from('junk!')]), 1000)).rejects.toThrow(
      'magic number mismatch',
    );
  });
});
