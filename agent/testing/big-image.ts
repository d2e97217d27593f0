import { createCipheriv } from 'node:crypto';
import { busyboxLayer } from './busybox-image.ts';
import { makeImage, type ImageOptions, type TestImage } from './image.ts';
import type { TarEntry } from './tar.ts';

/** Noise that is the same in each run: AES in counter mode over zeros. */
function noise(size: number, seed: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32LE(seed);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

/** Text that compresses about as source code does. */
function text(size: number, seed: number): Buffer {
  const words =
    noise(4096, seed)
      .toString('hex')
      .match(/.{3,11}/g) ?? [];
  const lines: string[] = [];
  let length = 0;
  for (let index = 0; length < size; index += 1) {
    const line = `${words[(index * 7 + seed) % words.length]} = ${words[(index * 13) % words.length]}(${index});\n`;
    lines.push(line);
    length += line.length;
  }
  return Buffer.from(lines.join('')).subarray(0, size);
}

export interface BigImageOptions extends ImageOptions {
  /** over busybox's own; default 6 */
  layerCount?: number;
  /** bytes of each, unpacked; default 24 MiB: half is noise, so that what goes over the wire is more than 12 MiB a layer */
  layerSize?: number;
  /** another number gives other content; default 0 */
  seed?: number;
}

/**
 * An image for measuring pulls, over 100 MB also compressed with the default sizes raised to `layerSize: 40 << 20`. Each layer has many
 * small files and a few large ones, as real images have.
 */
export function bigImage(options: BigImageOptions = {}): TestImage {
  const { layerCount = 6, layerSize = 24 * 1024 * 1024, seed = 0, ...rest } = options;
  const from = seed * 1000;
  const layers: TarEntry[][] = [];
  for (let layer = 0; layer < layerCount; layer += 1) {
    const entries: TarEntry[] = [{ name: `opt/layer-${layer}/`, type: 'dir' }];
    const large = Math.floor(layerSize / 4);
    entries.push({ name: `opt/layer-${layer}/noise-a.bin`, content: noise(large, from + layer * 2 + 1) });
    entries.push({ name: `opt/layer-${layer}/noise-b.bin`, content: noise(large, from + layer * 2 + 2) });
    const small = text(Math.floor(layerSize / 2), from + layer + 1);
    const piece = 16 * 1024;
    for (let at = 0, index = 0; at < small.length; at += piece, index += 1) {
      if (index % 64 === 0) entries.push({ name: `opt/layer-${layer}/src-${index >> 6}/`, type: 'dir' });
      entries.push({
        name: `opt/layer-${layer}/src-${index >> 6}/file-${index}.ts`,
        content: small.subarray(at, at + piece),
      });
    }
    layers.push(entries);
  }
  return makeImage([busyboxLayer(), ...layers], {
    ...rest,
    config: { Cmd: ['sh'], Env: ['PATH=/bin:/usr/bin'], ...rest.config },
  });
}
