import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import {
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';
import { exec } from '../../agent/system/exec.ts';
import type { Package } from './apt.ts';
import { cpioOf } from './cpio.ts';
import { vmlinuxOf } from './kernel.ts';
import { readLock } from './lock.ts';
import { kernelVersion, loadOrder } from './modules.ts';
import { enginePackages, nodePackage, npmDigest, npmPackage } from './npm.ts';
import { getPackages, refreshLock } from './packages.ts';
import { touch } from './prune.ts';
import { digestOf, filesBelow, recipeDigest, REPOSITORY, VM_ASSETS, type Architecture, type Recipe } from './recipe.ts';
import { checkTools } from './tools.ts';
import { makeTree, missingLibraries } from './tree.ts';

/** What an image is made of, and how it is checked before it is started. */
export interface ImageManifest {
  schema: 1;
  version: string;
  architecture: Architecture;
  kernel: string;
  files: Record<'kernel' | 'initrd' | 'root', ImageFile>;
  packages: Omit<Package, 'file'>[];
}

interface ImageFile {
  name: string;
  /** bytes */
  size: number;
  sha256: string;
  /** bytes when compressed, as it is sent to users (zstd, level 3) */
  compressed: number;
}

export type Report = (line: string) => void;

/**
 * The part that changes rarely: packages unpacked, kernel and initial RAM disk beside them. Made once for a recipe and kept in the
 * cache; `refresh` asks the archive for newer packages first, `force` makes it anew. Gives its folder: tree/, kernel, initrd, packages.json.
 */
export async function makeBase(
  cache: string,
  recipe: Recipe,
  architecture: Architecture,
  report: Report,
  { refresh = false, force = false } = {},
): Promise<string> {
  const npm = [nodePackage(architecture), ...enginePackages(architecture)];
  const digest = () => recipeDigest(architecture, `${JSON.stringify(readLock(architecture))} ${npmDigest(npm)}`);
  if (refresh) await refreshLock(cache, recipe, architecture, report);
  const base = join(cache, 'base', `${architecture}-${digest()}`);
  if (existsSync(join(base, 'packages.json')) && !force) {
    await touch(base);
    return base;
  }
  checkTools();
  const node = join(await npmPackage(cache, nodePackage(architecture)), 'bin/node');
  const { packages, debs } = await getPackages(cache, recipe, architecture, report);
  await mkdir(join(cache, 'base'), { recursive: true });
  const work = await mkdtemp(join(cache, 'base', '.work-'));
  try {
    const tree = join(work, 'tree');
    await makeTree(tree, debs, recipe, node);
    const missing = missingLibraries(tree, [node]);
    if (missing.length > 0) throw new Error(`libraries are missing in the guest: ${missing.join(', ')}`);
    const image = await readFile(join(tree, 'boot', `vmlinuz-${kernelVersion(tree)}`));
    await writeFile(join(work, 'kernel'), architecture === 'amd64' ? vmlinuxOf(image) : image);
    await writeFile(join(work, 'initrd'), await makeInitrd(work, tree, recipe));
    await rm(join(tree, 'boot'), { recursive: true });
    const list = packages.map(({ name, version, sha256 }) => ({ name, version, sha256 }));
    await writeFile(join(work, 'packages.json'), JSON.stringify(list, undefined, 1));
    await rm(base, { recursive: true, force: true });
    await rename(work, base);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return base;
}

const INITRD_PROGRAMS = ['sh', 'insmod', 'mkdir', 'mount', 'poweroff', 'switch_root', 'usleep'];

/** busybox, the modules that reach the root image, and boot/init. Not compressed: QEMU copies faster than the guest unpacks. */
async function makeInitrd(work: string, tree: string, recipe: Recipe): Promise<Buffer> {
  const directory = join(work, 'initrd.d');
  for (const folder of ['bin', 'dev', 'later', 'lower', 'modules', 'proc', 'root', 'upper'])
    await mkdir(join(directory, folder), { recursive: true });
  await copyFile(join(tree, 'usr/bin/busybox'), join(directory, 'bin/busybox'));
  for (const name of INITRD_PROGRAMS) await symlink('busybox', join(directory, 'bin', name));
  await copyFile(join(VM_ASSETS, 'boot/init'), join(directory, 'init'));
  for (const [index, file] of loadOrder(tree, recipe.initrdModules).entries())
    await copyFile(file, join(directory, 'modules', `${String(index).padStart(2, '0')}-${basename(file)}`));
  for (const file of loadOrder(tree, ['overlay'])) await copyFile(file, join(directory, 'later', basename(file)));
  const archive = cpioOf(directory);
  await rm(directory, { recursive: true });
  return archive;
}

const SKIPPED = /\.(map|md|d\.ts|txt|lib|cc|hh|h|S|asm)$|\/doc\//;

/**
 * The image: the base's tree with the engine in it as a read-only erofs, with the kernel and the initial RAM disk, in a folder named by
 * the digest of all that went in. The same inputs give the same bytes.
 */
export async function makeImage(
  cache: string,
  base: string,
  architecture: Architecture,
  version: string,
  report: Report,
  force = false,
): Promise<string> {
  const engine = await engineFiles(cache, architecture);
  const packages = JSON.parse(await readFile(join(base, 'packages.json'), 'utf8')) as Omit<Package, 'file'>[];
  const inputs = createHash('sha256')
    .update(`${architecture}\0${version}\0${basename(base)}\0${JSON.stringify(packages)}`)
    .update(engine.map(({ from, to }) => `${to} ${digestOf([from], dirname(from))}`).join('\n'))
    .digest('hex')
    .slice(0, 16);
  const target = join(cache, 'images', `${version}-${architecture}-${inputs}`);
  if (existsSync(join(target, 'manifest.json')) && !force) {
    await touch(target);
    return target;
  }
  report('root image: packing');
  await mkdir(join(cache, 'images'), { recursive: true });
  const work = join(cache, 'images', `.work-${randomBytes(6).toString('hex')}`);
  try {
    const tree = join(work, 'tree');
    await mkdir(work);
    // hard links: the tree's files are never written in place
    await exec(['cp', '-al', join(base, 'tree'), tree], { env: process.env });
    for (const { from, to } of engine) {
      await mkdir(join(tree, 'opt/berth', to, '..'), { recursive: true });
      await copyFile(from, join(tree, 'opt/berth', to));
    }
    await writeFile(join(tree, 'opt/berth/image'), `${inputs}\n`);
    await packRoot(tree, join(work, 'root'), inputs);
    await rm(tree, { recursive: true });
    for (const name of ['kernel', 'initrd']) await copyFile(join(base, name), join(work, name));
    const files = {} as ImageManifest['files'];
    for (const name of ['kernel', 'initrd', 'root'] as const) files[name] = await describe(join(work, name));
    const [kernel = ''] = await readdir(join(base, 'tree/usr/lib/modules'));
    const manifest: ImageManifest = { schema: 1, version, architecture, kernel, files, packages };
    await writeFile(join(work, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
    await rm(target, { recursive: true, force: true });
    await rename(work, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return target;
}

async function engineFiles(cache: string, architecture: Architecture): Promise<{ from: string; to: string }[]> {
  const dist = join(REPOSITORY, 'dist');
  const files = [
    { from: join(dist, 'agent/guest.cjs'), to: 'agent/main.cjs' },
    { from: join(dist, 'agent/unpack-worker.cjs'), to: 'agent/unpack-worker.cjs' },
  ];
  const missing = files.find(({ from }) => !existsSync(from));
  if (missing) throw new Error(`${missing.from} is missing. To do: npm run build`);
  for (const name of enginePackages(architecture)) {
    const folder = await npmPackage(cache, name);
    for (const from of filesBelow(folder))
      if (!SKIPPED.test(from)) files.push({ from, to: join('node_modules', name, from.slice(folder.length)) });
  }
  return files;
}

/** One time, one owner, one UUID (the inputs'), no extended attributes: nothing of the machine or the moment gets in. */
async function packRoot(tree: string, target: string, inputs: string): Promise<void> {
  const hex = createHash('sha256').update(inputs).digest('hex');
  const uuid = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
  await utimes(tree, 0, 0);
  await exec(['mkfs.erofs', '-x-1', '-T0', `-U${uuid}`, '--all-root', target, tree], {
    env: process.env,
    timeout: 600_000,
  });
}

async function describe(path: string): Promise<ImageFile> {
  const hash = createHash('sha256');
  let compressed = 0;
  await pipeline(createReadStream(path), hash);
  await pipeline(createReadStream(path), createZstdCompress(), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) compressed += chunk.length;
  });
  return { name: basename(path), size: (await stat(path)).size, sha256: hash.digest('hex'), compressed };
}
