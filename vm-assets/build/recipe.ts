import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What recipe.json says: the guest's packages and what of them is kept. Paths are relative to the root, without a leading slash. */
export interface Recipe {
  suite: string;
  sources: { uri: string; suites: string[] }[];
  /** the kernel's package, per Debian architecture */
  kernel: Record<Architecture, string>;
  packages: string[];
  /** packages that come as dependencies and have nothing that runs here */
  drop: string[];
  /** files and folders taken away; `*` stands for one path segment */
  remove: string[];
  /** folders or files of /usr/lib/modules/VERSION/kernel that stay, without .ko; what they depend on stays too */
  modules: string[];
  /** modules that the initial RAM disk loads to reach the root image */
  initrdModules: string[];
}

/** Debian's names. */
export type Architecture = 'amd64' | 'arm64';
export const ARCHITECTURES: readonly Architecture[] = ['amd64', 'arm64'];
export const hostArchitecture = (): Architecture => (process.arch === 'arm64' ? 'arm64' : 'amd64');

export const VM_ASSETS = fileURLToPath(new URL('..', import.meta.url));
export const REPOSITORY = join(VM_ASSETS, '..');

export const readRecipe = (): Recipe => JSON.parse(readFileSync(join(VM_ASSETS, 'recipe.json'), 'utf8')) as Recipe;

/** Where images and packages are kept between builds: all of it can be deleted at any time. */
export const cacheDirectory = (): string =>
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'berth', 'guest');

/** Every regular file below, sorted by name. */
export function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** One digest over names, modes and contents. */
export function digestOf(files: readonly string[], base: string): string {
  const hash = createHash('sha256');
  for (const file of files)
    hash
      .update(`${relative(base, file)}\0${statSync(file).mode & 0o111 ? 'x' : '-'}\0`)
      .update(createHash('sha256').update(readFileSync(file)).digest());
  return hash.digest('hex');
}

/** The digest of everything of this folder that decides what the base of the image is. */
export function recipeDigest(architecture: Architecture, others: string): string {
  const files = ['build', 'boot', 'rootfs'].flatMap((folder) => filesBelow(join(VM_ASSETS, folder)));
  const sources = [join(VM_ASSETS, 'recipe.json'), ...files].filter((file) => !file.endsWith('.test.ts'));
  return createHash('sha256')
    .update(`${architecture}\0${others}\0${digestOf(sources, REPOSITORY)}`)
    .digest('hex')
    .slice(0, 16);
}
