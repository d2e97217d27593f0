import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { imageRemedy } from './image-place.ts';
import { MachineError } from './types.ts';

const PARTS = ['kernel', 'initrd', 'root'] as const;

/** What is read of an image's manifest.json. */
interface Manifest {
  version: string;
  architecture: string;
  files: Record<(typeof PARTS)[number], { name: string; size: number; sha256: string }>;
}
export interface MachineImage {
  name: string;
  version: string;
  /** of the manifest, which has those of all parts: "sha256:…" */
  digest: string;
  kernel: string;
  initrd: string;
  root: string;
}

/**
 * Checks every part of the image against its manifest's digest. `stamps` remembers what was checked: a part whose size, time and inode
 * are the same is not read again.
 */
export async function openImage(directory: string, stamps: string): Promise<MachineImage> {
  const manifest = readManifest(directory);
  const known = readStamps(stamps);
  const seen: Record<string, string> = {};
  for (const part of PARTS) {
    const { name, size, sha256 } = manifest.files[part];
    const path = join(directory, name);
    const info = statSync(path, { throwIfNoEntry: false });
    if (info?.size !== size)
      throw damaged(path, info ? `it has ${info.size} bytes instead of ${size}` : 'it is missing');
    const stamp = `${sha256} ${info.size} ${info.mtimeMs} ${info.ino}`;
    if (known[path] !== stamp && (await digest(path)) !== sha256)
      throw damaged(path, 'its digest is not the one of the manifest');
    seen[path] = stamp;
  }
  writeFileSync(stamps, JSON.stringify(seen), { mode: 0o600 });
  const at = (part: (typeof PARTS)[number]) => join(directory, manifest.files[part].name);
  return {
    name: directory,
    version: manifest.version,
    digest: `sha256:${await digest(join(directory, 'manifest.json'))}`,
    kernel: at('kernel'),
    initrd: at('initrd'),
    root: at('root'),
  };
}

/** What is on disk is not the image that was made, or is not there. */
export class DamagedImage extends MachineError {}

const damaged = (path: string, why: string) =>
  new DamagedImage(`the machine's image is damaged: ${path}: ${why}`, imageRemedy(true), 'process');

/** A part lies in the image's own folder. */
const isPart = ({ name, sha256 }: Manifest['files']['kernel']) =>
  basename(name) === name && /^[0-9a-f]{64}$/.test(sha256);

function readManifest(directory: string): Manifest {
  const path = join(directory, 'manifest.json');
  if (!existsSync(path)) throw new DamagedImage(`${directory} has no image`, imageRemedy(false), 'process');
  try {
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
    if (PARTS.every((part) => isPart(manifest.files[part]))) return manifest;
  } catch {
    // told below
  }
  throw damaged(path, 'it is no manifest');
}

function readStamps(path: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
  } catch {
    return {};
  }
}

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
