import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import koffi from 'koffi';
import { MNT, MS, SyscallError, type Syscalls } from '../system/syscalls.ts';

/** <linux/magic.h> */
const CGROUP2_MAGIC = 0x63677270;
export const UNIFIED = '/sys/fs/cgroup/unified';
/** Set for the engine that runs in a namespace of its own: "FD NAME" of the one it came from. */
export const OUTER_VARIABLE = 'BERTH_OUTER_MOUNT_NAMESPACE';

/** A hybrid layout: cgroup v1 hierarchies, and a v2 one beside them. crun (1.8) refuses to run there. */
export function isHybridCgroup(unified = UNIFIED): boolean {
  try {
    return statfsSync(unified).type === CGROUP2_MAGIC && statfsSync('/sys/fs/cgroup').type !== CGROUP2_MAGIC;
  } catch {
    return false;
  }
}

export const ownMountNamespace = (): string => readlinkSync('/proc/self/ns/mnt');

/** True when a file is bound to a namespace (nsfs). */
export function isNamespaceFile(path: string): boolean {
  try {
    return statSync(path).dev !== statSync(dirname(path)).dev;
  } catch {
    return false;
  }
}

/** What runs the engine in its mount namespace: argv for execve. */
export interface ReExec {
  program: string;
  argv: string[];
  env: NodeJS.ProcessEnv;
}

/**
 * Prepares a mount namespace that outlives the engine, bound to `file`, and gives what runs the engine in it, in the same working
 * directory. A namespace that is there already is entered again: the roots and network namespaces of running containers are mounted in it.
 */
export function enterMountNamespace(
  file: string,
  programs: { unshare: string; nsenter: string },
  sys: Syscalls,
): ReExec {
  const self = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const env = { ...process.env, [OUTER_VARIABLE]: `${openForHeir('/proc/self/ns/mnt')} ${ownMountNamespace()}` };
  if (!isNamespaceFile(file)) makeNamespace(file, programs.unshare, sys);
  return {
    program: programs.nsenter,
    argv: ['nsenter', `--mount=${file}`, '--', 'env', `--chdir=${process.cwd()}`, ...self],
    env,
  };
}

/** How often a namespace is made anew where the kernel does not let it be bound. */
const ATTEMPTS = 40;

/**
 * The bind of a mount namespace must not propagate (mount_namespaces(7)), so the file is first bound to itself and made private. In the
 * new namespace all is made a slave: what the machine mounts is seen, what the engine mounts stays inside.
 *
 * The kernel binds a namespace only where it is younger than the one it is bound in (mnt_ns_loop() in its namespace.c), by numbers which
 * from 6.18 on each processor gives out from a range of its own: where the engine is not in the machine's first mount namespace, a new one
 * may count as older. Another has another number.
 */
function makeNamespace(file: string, unshare: string, sys: Syscalls): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o711 });
  if (!existsSync(file)) closeSync(openSync(file, 'w', 0o600));
  sys.mount(file, file, '', MS.BIND, '');
  sys.mount('', file, '', MS.PRIVATE, '');
  for (let attempt = 1; ; attempt++) {
    const { status, stderr, error } = spawnSync(unshare, [`--mount=${file}`, '--propagation', 'slave', '--', 'true'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
    if (status === 0) return;
    if (attempt === ATTEMPTS || !stderr?.includes('Invalid argument'))
      throw new Error(`a mount namespace of the engine's own could not be made: ${error?.message ?? stderr.trim()}`);
  }
}

/** Mounts that would carry a change to other namespaces: lines of mountinfo with a `shared:` tag at `path` or above it. */
export function propagatesFrom(path: string, mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): boolean {
  return mountinfo.split('\n').some((line) => {
    const fields = line.split(' ');
    const point = fields[4] ?? '';
    if (point !== path && !path.startsWith(point === '/' ? '/' : `${point}/`)) return false;
    const end = fields.indexOf('-');
    return (
      fields.slice(6, end < 0 ? 6 : end).some((tag) => tag.startsWith('shared:')) &&
      (point === path || point === dirname(path))
    );
  });
}

/** Takes the v2 hierarchy out of sight, in this mount namespace only. Refuses where that could reach the machine's own mounts. */
export function hideUnifiedCgroup(sys: Syscalls): void {
  if (!isHybridCgroup()) return;
  const outer = process.env[OUTER_VARIABLE]?.split(' ')[1];
  if (outer === undefined || outer === ownMountNamespace()) throw new Error('not in a mount namespace of its own');
  if (propagatesFrom(UNIFIED)) throw new Error(`the mount at ${UNIFIED} is shared with other mount namespaces`);
  sys.umount(UNIFIED, MNT.DETACH);
}

/**
 * Lets the namespace go with the engine: takes the file's binds off the outer namespace. To be called when nothing is left that is
 * mounted in it.
 */
export function dropMountNamespace(file: string, nsenter: string): void {
  const outer = Number(process.env[OUTER_VARIABLE]?.split(' ')[0] ?? NaN);
  if (!Number.isInteger(outer)) return;
  // One umount for the namespace, one for the bind of the file to itself.
  spawnSync(
    nsenter,
    ['--mount=/proc/self/fd/3', '--', 'sh', '-c', 'umount -l "$1"; umount -l "$1"; rm -f "$1"', 'sh', file],
    {
      stdio: ['ignore', 'ignore', 'ignore', outer],
    },
  );
}

/** Opens a file so that the program that replaces this one has it open too; Node itself always sets O_CLOEXEC. */
function openForHeir(path: string): number {
  const open = koffi.load('libc.so.6').func('int open(const char *path, int flags)');
  const fd = open(path, 0) as number;
  if (fd < 0) throw new SyscallError(`open ${path}`, koffi.errno());
  return fd;
}

/** To be called by the heir: programs it starts shall not have the outer namespace open. */
export function keepOuterNamespaceClosed(): void {
  const outer = Number(process.env[OUTER_VARIABLE]?.split(' ')[0] ?? NaN);
  if (!Number.isInteger(outer)) return;
  const fcntl = koffi.load('libc.so.6').func('int fcntl(int fd, int command, int argument)');
  const [F_SETFD, FD_CLOEXEC] = [2, 1];
  if ((fcntl(outer, F_SETFD, FD_CLOEXEC) as number) < 0) throw new SyscallError('fcntl', koffi.errno());
}
