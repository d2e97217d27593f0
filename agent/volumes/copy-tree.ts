import { constants, type Stats } from 'node:fs';
import { chmod, copyFile, lchown, link, lstat, lutimes, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Syscalls } from '../system/syscalls.ts';

/** st_rdev to major and minor (glibc's major(3)). */
const majorOf = (device: number) => Number((BigInt(device) >> 8n) & 0xfffn) + Number((BigInt(device) >> 32n) & ~0xfffn);
const minorOf = (device: number) => Number(BigInt(device) & 0xffn) + Number((BigInt(device) >> 12n) & 0xfff00n);

/**
 * Copies what is in directory `from` into directory `to`, and its own mode and owner: modes, owners, times, extended attributes, hard
 * links, links and device nodes as they are. Stops at what is a mount of its own no more than cp does.
 */
export async function copyTree(from: string, to: string, sys: Syscalls): Promise<void> {
  const links = new Map<string, string>();
  await copyDirectory(from, to, await lstat(from), sys, links);
}

async function copyDirectory(
  from: string,
  to: string,
  stats: Stats,
  sys: Syscalls,
  links: Map<string, string>,
): Promise<void> {
  for (const name of await readdir(from)) await copyEntry(join(from, name), join(to, name), sys, links);
  await copyAttributes(from, to, stats, sys);
}

async function copyEntry(from: string, to: string, sys: Syscalls, links: Map<string, string>): Promise<void> {
  const stats = await lstat(from);
  if (stats.isSocket()) return;
  const key = `${stats.dev}:${stats.ino}`;
  const first = links.get(key);
  if (first !== undefined) return link(first, to);
  if (!stats.isDirectory() && stats.nlink > 1) links.set(key, to);
  if (stats.isDirectory()) {
    await mkdir(to);
    return copyDirectory(from, to, stats, sys, links);
  }
  if (stats.isSymbolicLink()) await symlink(await readlink(from), to);
  else if (stats.isFIFO()) sys.mkfifo(to, stats.mode & 0o7777);
  else if (stats.isFile()) await copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  else sys.mknod(to, stats.mode, majorOf(stats.rdev), minorOf(stats.rdev));
  await copyAttributes(from, to, stats, sys);
}

async function copyAttributes(from: string, to: string, stats: Stats, sys: Syscalls): Promise<void> {
  await lchown(to, stats.uid, stats.gid);
  for (const name of sys.llistxattr(from)) {
    // trusted.overlay.* belongs to overlayfs itself.
    if (name.startsWith('trusted.overlay.') || name === 'security.selinux') continue;
    const value = sys.lgetxattr(from, name);
    if (value !== undefined) sys.lsetxattr(to, name, value);
  }
  // After chown, which clears set-user-ID.
  if (!stats.isSymbolicLink()) await chmod(to, stats.mode & 0o7777);
  await lutimes(to, stats.atime, stats.mtime);
}
