import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import koffi from 'koffi';
import { SyscallError } from './syscalls.ts';

/** Mounts that show files with other owners than the disk has (mount_setattr(2), MOUNT_ATTR_IDMAP). */
export interface IdmapCalls {
  /** A descriptor of a user namespace with these uid_map and gid_map, and no process in it. The caller closes it. */
  openUserNamespace(uidMap: string, gidMap: string): Promise<number>;
  /**
   * A copy of what is mounted at `path` (and below it, if `recursive`), attached nowhere, whose files have ids as the user namespace
   * maps them: 0 on disk is the mapping's first. Gives its descriptor: the mount goes with it unless it is attached.
   * EINVAL: the file system cannot. ENOSYS: the kernel is older than 5.12.
   */
  cloneMapped(path: string, userNamespace: number, recursive: boolean): number;
  /** Puts such a mount at a directory or file. */
  attach(mount: number, target: string): void;
}

/** System call numbers: the same on all architectures since 5.1, <asm-generic/unistd.h>. */
const SYS = { openTree: 428, moveMount: 429, mountSetattr: 442 } as const;
/** <fcntl.h>, <linux/mount.h> */
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const AT_RECURSIVE = 0x8000;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const MOUNT_ATTR_IDMAP = 0x00100000n;
/** struct mount_attr: attr_set, attr_clr, propagation, userns_fd; 64 bits each */
const MOUNT_ATTR_SIZE = 32;
const USERNS_FD_OFFSET = 24;

function load(): IdmapCalls {
  const libc = koffi.load('libc.so.6');
  const openTree = libc.func('syscall', 'long', ['long', 'int', 'str', 'uint']);
  const moveMount = libc.func('syscall', 'long', ['long', 'int', 'str', 'int', 'str', 'uint']);
  const mountSetattr = libc.func('syscall', 'long', ['long', 'int', 'str', 'uint', 'void *', 'size_t']);
  const must = (call: string, result: number): number => {
    if (result < 0) throw new SyscallError(call, koffi.errno());
    return result;
  };
  return {
    openUserNamespace,
    cloneMapped: (path, userNamespace, recursive) => {
      const depth = recursive ? AT_RECURSIVE : 0;
      const mount = must(
        `open_tree ${path}`,
        openTree(SYS.openTree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | depth) as number,
      );
      try {
        const attributes = Buffer.alloc(MOUNT_ATTR_SIZE);
        attributes.writeBigUInt64LE(MOUNT_ATTR_IDMAP);
        attributes.writeBigUInt64LE(BigInt(userNamespace), USERNS_FD_OFFSET);
        must(
          `mount_setattr ${path}`,
          mountSetattr(SYS.mountSetattr, mount, '', AT_EMPTY_PATH | depth, attributes, attributes.length) as number,
        );
        return mount;
      } catch (error) {
        closeSync(mount);
        throw error;
      }
    },
    attach: (mount, target) =>
      void must(
        `move_mount ${target}`,
        moveMount(SYS.moveMount, mount, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) as number,
      ),
  };
}

/**
 * Only a process of its own can make one: unshare(2) refuses where there are several threads. It echoes a line once it is in its
 * namespace, is given its ids, and ends; the descriptor keeps the namespace.
 */
async function openUserNamespace(uidMap: string, gidMap: string): Promise<number> {
  const helper = spawn('unshare', ['--user', '--', 'cat'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  helper.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  helper.stdin.on('error', () => undefined);
  const ended = new Promise<never>((_done, fail) => {
    helper.once('error', fail);
    helper.once('close', (code) =>
      fail(new Error(`no user namespace: ${said.trim() || `unshare ended with ${code}`}`)),
    );
  });
  ended.catch(() => undefined);
  try {
    helper.stdin.write('\n');
    await Promise.race([once(helper.stdout, 'data'), ended]);
    writeFileSync(`/proc/${helper.pid}/uid_map`, uidMap);
    writeFileSync(`/proc/${helper.pid}/gid_map`, gidMap);
    return openSync(`/proc/${helper.pid}/ns/user`, 'r');
  } finally {
    helper.kill('SIGKILL');
  }
}

let loaded: IdmapCalls | undefined;
/** The kernel's own. */
export function idmapCalls(): IdmapCalls {
  const real = () => (loaded ??= load()); // not before it is needed: see syscalls()
  return {
    openUserNamespace: (...args) => real().openUserNamespace(...args),
    cloneMapped: (...args) => real().cloneMapped(...args),
    attach: (...args) => real().attach(...args),
  };
}
