import koffi from 'koffi';

/** mount(2) flags, <linux/mount.h>. */
export const MS = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  REMOUNT: 32,
  BIND: 4096,
  REC: 16384,
  PRIVATE: 1 << 18,
  SLAVE: 1 << 19,
  SHARED: 1 << 20,
} as const;
/** umount2(2) flags. */
export const MNT = { FORCE: 1, DETACH: 2 } as const;
/** clone flags, <linux/sched.h>. */
export const CLONE = { NEWNS: 0x20000, NEWNET: 0x40000000 } as const;

/** A system call failed; `code` is the errno's name. */
export class SyscallError extends Error {
  readonly call: string;
  readonly errno: number;
  readonly code: string;

  constructor(call: string, errno: number) {
    const code = errnoName(errno);
    super(`${call}: ${code}`);
    this.name = 'SyscallError';
    this.call = call;
    this.errno = errno;
    this.code = code;
  }
}

function errnoName(errno: number): string {
  for (const [name, value] of Object.entries(koffi.os.errno)) if (value === errno) return name;
  return `errno ${errno}`;
}

/**
 * What Node has no call for. All are synchronous and run on the calling thread; each throws SyscallError.
 * Namespaces are per thread: `inNewNetwork` comes back to the thread's own before it returns.
 */
export interface Syscalls {
  mount(source: string, target: string, type: string, flags: number, data: string): void;
  umount(target: string, flags: number): void;
  mknod(path: string, mode: number, major: number, minor: number): void;
  mkfifo(path: string, mode: number): void;
  lsetxattr(path: string, name: string, value: Uint8Array): void;
  /** undefined when there is none (ENODATA) or the file system has none (ENOTSUP) */
  lgetxattr(path: string, name: string): Buffer | undefined;
  llistxattr(path: string): string[];
  setns(fd: number, type: number): void;
  unshare(flags: number): void;
  flock(fd: number, exclusive: boolean): boolean;
}

const LOCK_EX = 2;
const LOCK_SH = 1;
const LOCK_NB = 4;

function load(): Syscalls {
  const libc = koffi.load('libc.so.6');
  const mount = libc.func(
    'int mount(const char *source, const char *target, const char *type, ulong flags, const char *data)',
  );
  const umount2 = libc.func('int umount2(const char *target, int flags)');
  const mknod = libc.func('int mknod(const char *path, uint mode, uint64_t dev)');
  const mkfifo = libc.func('int mkfifo(const char *path, uint mode)');
  const lsetxattr = libc.func(
    'int lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags)',
  );
  const lgetxattr = libc.func('long lgetxattr(const char *path, const char *name, _Out_ uint8_t *value, size_t size)');
  const llistxattr = libc.func('long llistxattr(const char *path, _Out_ uint8_t *list, size_t size)');
  const setns = libc.func('int setns(int fd, int type)');
  const unshare = libc.func('int unshare(int flags)');
  const flock = libc.func('int flock(int fd, int operation)');

  const must = (call: string, result: number) => {
    if (result < 0) throw new SyscallError(call, koffi.errno());
  };
  /** glibc's makedev(3) */
  const makedev = (major: number, minor: number) =>
    (BigInt(major & 0xfff) << 8n) | (BigInt(major >>> 12) << 32n) | BigInt(minor & 0xff) | (BigInt(minor >>> 8) << 12n);

  return {
    mount: (source, target, type, flags, data) => must(`mount ${target}`, mount(source, target, type, flags, data)),
    umount: (target, flags) => must(`umount ${target}`, umount2(target, flags)),
    mknod: (path, mode, major, minor) => must(`mknod ${path}`, mknod(path, mode, makedev(major, minor))),
    mkfifo: (path, mode) => must(`mkfifo ${path}`, mkfifo(path, mode)),
    lsetxattr: (path, name, value) => must(`lsetxattr ${path} ${name}`, lsetxattr(path, name, value, value.length, 0)),
    lgetxattr: (path, name) => {
      const buffer = Buffer.alloc(65_536);
      const size = lgetxattr(path, name, buffer, buffer.length) as number;
      if (size < 0) {
        const errno = koffi.errno();
        if (errno === koffi.os.errno.ENODATA || errno === koffi.os.errno.EOPNOTSUPP) return undefined;
        throw new SyscallError(`lgetxattr ${path} ${name}`, errno);
      }
      return Buffer.from(buffer.subarray(0, Number(size)));
    },
    llistxattr: (path) => {
      const buffer = Buffer.alloc(65_536);
      const size = llistxattr(path, buffer, buffer.length) as number;
      if (size < 0) {
        const errno = koffi.errno();
        if (errno === koffi.os.errno.EOPNOTSUPP) return [];
        throw new SyscallError(`llistxattr ${path}`, errno);
      }
      return buffer.subarray(0, Number(size)).toString('utf8').split('\0').filter(Boolean);
    },
    setns: (fd, type) => must('setns', setns(fd, type)),
    unshare: (flags) => must('unshare', unshare(flags)),
    flock: (fd, exclusive) => {
      if (flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) === 0) return true;
      const errno = koffi.errno();
      if (errno === koffi.os.errno.EWOULDBLOCK) return false;
      throw new SyscallError('flock', errno);
    },
  };
}

let loaded: Syscalls | undefined;
const real = () => (loaded ??= load());

/** The kernel's own, through libc, which is not opened before the first call: an engine without containers is ready before that. */
export const syscalls = (): Syscalls => LAZY;
const LAZY: Syscalls = {
  mount: (...args) => real().mount(...args),
  umount: (...args) => real().umount(...args),
  mknod: (...args) => real().mknod(...args),
  mkfifo: (...args) => real().mkfifo(...args),
  lsetxattr: (...args) => real().lsetxattr(...args),
  lgetxattr: (...args) => real().lgetxattr(...args),
  llistxattr: (...args) => real().llistxattr(...args),
  setns: (...args) => real().setns(...args),
  unshare: (...args) => real().unshare(...args),
  flock: (...args) => real().flock(...args),
};
