import {
  chmodSync,
  copyFileSync,
  globSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { exec } from '../../agent/system/exec.ts';
import { loadedPart, neededLibraries } from './elf.ts';
import { keepModules } from './modules.ts';
import { filesBelow, VM_ASSETS, type Recipe } from './recipe.ts';

/** Folders that are mount points or links of the guest at run time. */
const FOLDERS = ['dev', 'etc', 'opt/berth', 'proc', 'root', 'run', 'sys', 'tmp', 'usr', 'var/lib/berth', 'var/tmp'];
const MERGED = ['bin', 'lib', 'lib64', 'sbin'];
/** Busybox does these well enough, and starts faster than their packages' programs. */
const BUSYBOX = [
  ...[
    'awk',
    'base64',
    'cat',
    'cut',
    'date',
    'dd',
    'df',
    'dmesg',
    'du',
    'env',
    'fstrim',
    'grep',
    'halt',
    'head',
    'hostname',
    'id',
    'insmod',
  ],
  ...[
    'kill',
    'ln',
    'ls',
    'lsmod',
    'mkdir',
    'modprobe',
    'mv',
    'od',
    'pidof',
    'poweroff',
    'reboot',
    'rm',
    'rmmod',
    'sed',
    'sh',
  ],
  ...[
    'sleep',
    'sort',
    'stat',
    'sync',
    'sysctl',
    'tail',
    'tar',
    'test',
    'touch',
    'tr',
    'uname',
    'uptime',
    'usleep',
    'wc',
    'chmod',
  ],
  ...['free', 'swapon', 'swapoff', 'mkswap', 'top', 'vi', 'xargs', 'find', 'cp', 'echo', 'printf', 'true', 'false'],
];

/**
 * The root file system, unpacked into an empty folder: the packages' files (none of their scripts run), less what is never used,
 * Node, and the files of rootfs/ over them. The kernel stays under /boot until the caller takes it.
 */
export async function makeTree(tree: string, debs: readonly string[], recipe: Recipe, node: string): Promise<void> {
  for (const folder of [...FOLDERS, ...MERGED.map((name) => `usr/${name}`)])
    mkdirSync(join(tree, folder), { recursive: true });
  for (const name of MERGED) symlinkSync(`usr/${name}`, join(tree, name));
  for (const deb of debs) await unpack(deb, tree);

  const keepBoot = recipe.remove.filter((path) => path !== 'boot');
  for (const pattern of keepBoot)
    for (const path of globSync(pattern, { cwd: tree })) rmSync(join(tree, path), { recursive: true, force: true });
  await keepModules(tree, recipe.modules);
  for (const name of BUSYBOX) {
    const path = join(tree, 'usr/bin', name);
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) symlinkSync('busybox', path);
  }
  // modprobe is asked for by the kernel at this address; busybox reads the text form of the modules' index
  symlinkSync('../bin/busybox', join(tree, 'usr/sbin/modprobe'));
  // the choice that the package's script would make
  for (const name of ['iptables', 'ip6tables'].flatMap((each) => [each, `${each}-save`, `${each}-restore`]))
    symlinkSync('xtables-nft-multi', join(tree, 'usr/sbin', name));
  stripped(node, join(tree, 'usr/bin/node'));
  overlay(join(VM_ASSETS, 'rootfs'), tree);
  symlinkSync('/run/berth/ssh', join(tree, 'root/.ssh'));
  rmSync(join(tree, 'etc/mtab'), { force: true });
  symlinkSync('../proc/self/mounts', join(tree, 'etc/mtab'));
  await certificates(tree);
}

/** `dpkg-deb` gives the package's files as a tar; tar keeps the links that merge /bin into /usr/bin. */
async function unpack(deb: string, tree: string): Promise<void> {
  const command =
    'set -o pipefail; dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink --no-same-owner -p -C "$2"';
  await exec(['bash', '-c', command, 'bash', deb, tree], { env: process.env });
}

function overlay(from: string, tree: string): void {
  for (const file of filesBelow(from)) {
    const target = join(tree, relative(from, file));
    mkdirSync(dirname(target), { recursive: true });
    rmSync(target, { force: true });
    copyFileSync(file, target);
    chmodSync(target, statSync(file).mode & 0o111 ? 0o755 : 0o644);
  }
}

/** Without the symbols that only a debugger reads: they and all tables of sections stand behind what is loaded. */
function stripped(from: string, to: string): void {
  writeFileSync(to, loadedPart(readFileSync(from)), { mode: 0o755 });
}

/** What the package's script would do: one file of all authorities. */
async function certificates(tree: string): Promise<void> {
  const folder = join(tree, 'usr/share/ca-certificates/mozilla');
  const files = readdirSync(folder).sort();
  mkdirSync(join(tree, 'etc/ssl/certs'), { recursive: true });
  await exec(
    [
      'bash',
      '-c',
      'out=$1; shift; cat "$@" > "$out"',
      'bash',
      join(tree, 'etc/ssl/certs/ca-certificates.crt'),
      ...files.map((name) => join(folder, basename(name))),
    ],
    {
      env: process.env,
    },
  );
}

/** Libraries that programs of the tree ask for and that are not in it: "program: library". Empty when all is well. */
export function missingLibraries(tree: string, others: readonly string[]): string[] {
  const libraries = new Set(globSync('usr/lib/**/*.so*', { cwd: tree }).map((path) => basename(path)));
  const programs = globSync(['usr/{bin,sbin}/*', 'usr/lib/podman/*', 'usr/lib/*-linux-gnu/*.so*'], { cwd: tree });
  const missing: string[] = [];
  for (const path of [...programs.map((name) => join(tree, name)), ...others]) {
    if (!lstatSync(path).isFile()) continue;
    for (const library of neededLibraries(path))
      if (!libraries.has(library)) missing.push(`${relative(tree, path)}: ${library}`);
  }
  return missing;
}
