import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../../agent/system/exec.ts';
import { REPOSITORY, type Architecture } from './recipe.ts';

interface LockEntry {
  version: string;
  integrity: string;
}

const locked = (name: string): LockEntry => {
  const lock = JSON.parse(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockEntry | undefined>;
  };
  const entry = lock.packages[`node_modules/${name}`];
  if (!entry) throw new Error(`${name} is not in package-lock.json`);
  return entry;
};

/** Node for the guest, of the version that Berth itself runs on. */
export const nodePackage = (architecture: Architecture): string =>
  `node-linux-${architecture === 'arm64' ? 'arm64' : 'x64'}`;

/** Native packages that the engine's bundle loads. */
export const enginePackages = (architecture: Architecture): string[] => [
  'koffi',
  `@koromix/koffi-linux-${architecture === 'arm64' ? 'arm64' : 'x64'}`,
];

/** What decides the contents of these packages. */
export const npmDigest = (names: readonly string[]): string => names.map((name) => locked(name).integrity).join(' ');

const folderOf = (name: string): string => `${name.replace('/', '-')}-${locked(name).version}`;

/** The folders that `npmPackage` makes in the cache for a guest of this architecture. */
export const npmFolders = (architecture: Architecture): string[] =>
  [nodePackage(architecture), ...enginePackages(architecture)].map(folderOf);

/** The package's folder: the one that is installed, or, for another architecture than this machine's, one in the cache. */
export async function npmPackage(cache: string, name: string): Promise<string> {
  const installed = join(REPOSITORY, 'node_modules', name);
  if (existsSync(join(installed, 'package.json'))) return installed;
  const { version, integrity } = locked(name);
  const folder = join(cache, 'npm', folderOf(name));
  if (existsSync(folder)) return folder;
  await mkdir(join(cache, 'npm'), { recursive: true });
  const work = await mkdtemp(join(cache, 'npm', '.work-'));
  try {
    await exec(['npm', 'pack', '--silent', '--pack-destination', work, `${name}@${version}`], {
      env: process.env,
      cwd: work,
      timeout: 300_000,
    });
    const [archive = ''] = await readdir(work);
    const digest = createHash('sha512')
      .update(await readFile(join(work, archive)))
      .digest('base64');
    if (integrity !== `sha512-${digest}`)
      throw new Error(`${name}@${version} from the npm registry is not what package-lock.json says: it is not used`);
    await exec(['tar', '-xzf', archive, '--no-same-owner'], { env: process.env, cwd: work });
    await rename(join(work, 'package'), folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}
