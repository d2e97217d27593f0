import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Package } from './apt.ts';
import { VM_ASSETS, type Architecture } from './recipe.ts';

/** A Debian package that goes into the image: where it is fetched, and the digest it must have. */
export type LockedPackage = Package & { uri: string };
/** manifest.json: per architecture, sorted by name. `berth machine build --refresh` writes it. */
type Lock = Record<Architecture, LockedPackage[]>;

const LOCK = join(VM_ASSETS, 'manifest.json');
const AT_ONCE = 6;

const readAll = (path: string): Lock =>
  existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Lock) : { amd64: [], arm64: [] };

export const readLock = (architecture: Architecture, path = LOCK): LockedPackage[] => readAll(path)[architecture];

export function writeLock(architecture: Architecture, packages: LockedPackage[], path = LOCK): void {
  const lock = { ...readAll(path), [architecture]: packages };
  writeFileSync(path, `${JSON.stringify(lock, undefined, 1)}\n`);
}

/** The archive has this version no more: Debian takes away what a newer one replaces. */
export class PackageGone extends Error {
  override readonly name = 'PackageGone';
}

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

/** All packages as files in `folder`, fetched where they are not there yet. Each must have its digest; throws PackageGone. */
export async function fetchLocked(
  folder: string,
  packages: readonly LockedPackage[],
  get: typeof fetch = fetch,
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const waiting = [...packages];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await fetchOne(folder, next, get);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return packages.map(({ file }) => join(folder, file));
}

async function fetchOne(folder: string, wanted: LockedPackage, get: typeof fetch): Promise<void> {
  const path = join(folder, wanted.file);
  if (existsSync(path) && sha256(await readFile(path)) === wanted.sha256) return;
  const answer = await get(wanted.uri).catch((error: Error) => {
    const why = error.cause instanceof Error ? error.cause.message : error.message;
    throw new Error(`${wanted.uri} cannot be fetched: ${why}. To do: check the network, then try again`);
  });
  if (answer.status === 404) throw new PackageGone(`${wanted.uri} is not there any more`);
  if (!answer.ok)
    throw new Error(`${wanted.uri} cannot be fetched: the answer is ${answer.status}. To do: try again later`);
  const data = new Uint8Array(await answer.arrayBuffer());
  const digest = sha256(data);
  if (digest !== wanted.sha256)
    throw new Error(
      `${wanted.uri} has the digest ${digest}, and the manifest says ${wanted.sha256}: it is not used. ` +
        'To do: try again on another network (something on the way may change what is fetched); ' +
        'if you trust the archive, take its present packages: berth machine build --refresh',
    );
  await writeFile(`${path}.new`, data);
  await rename(`${path}.new`, path);
}
