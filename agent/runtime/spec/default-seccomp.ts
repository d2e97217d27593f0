import type { SeccompProfile, SeccompRule } from './seccomp-profile.ts';

/**
 * The system calls that Docker's default profile lets a container make (docs.docker.com, "Seccomp security profiles for Docker"), with
 * the kernel's own permission checks behind them. Two reasons are given to a program for the others: EPERM for those that are known and
 * denied, as Docker does, and ENOSYS for those that are newer than this list, so that programs fall back to older ones.
 */
const words = (text: string) => text.split(' ');

const ALWAYS = words(
  '_llseek _newselect accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown ' +
    'chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 ' +
    'clock_nanosleep clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3 ' +
    'epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd ' +
    'eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark ' +
    'fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock ' +
    'fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex ' +
    'futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu ' +
    'getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer ' +
    'getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 ' +
    'getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getuid32 getxattr getxattrat ' +
    'inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents ' +
    'io_pgetevents_time64 io_setup io_submit ioctl ioprio_get ioprio_set ipc kill landlock_add_rule ' +
    'landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listmount listxattr ' +
    'listxattrat llistxattr lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack membarrier ' +
    'memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect ' +
    'mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 ' +
    'mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep ' +
    'newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect ' +
    'poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv ' +
    'process_vm_writev pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat ' +
    'readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename renameat ' +
    'renameat2 restart_syscall riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo ' +
    'rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max ' +
    'sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval ' +
    'sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield ' +
    'seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto ' +
    'set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 ' +
    'setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid ' +
    'setresuid32 setreuid setreuid32 setrlimit setsid setsockopt setuid setuid32 setxattr setxattrat shmat shmctl ' +
    'shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn socketcall socketpair splice stat ' +
    'stat64 statfs statfs64 statmount statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time ' +
    'timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 ' +
    'timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate ' +
    'truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork ' +
    'vmsplice wait4 waitid waitpid write writev',
);

/** Known, and made by no container: the kernel's keyring, other kernels, swap, other tenants' memory. */
const NEVER = words(
  '_sysctl add_key afs_syscall bdflush create_module get_kernel_syms getpmsg io_uring_enter io_uring_register ' +
    'io_uring_setup kexec_file_load kexec_load keyctl migrate_pages move_pages nfsservctl pivot_root putpmsg ' +
    'query_module request_key security swapoff swapon sysfs tuxcall uselib userfaultfd ustat vm86 vm86old vserver',
);

/** With any of these capabilities; those that one brings come after its name. */
const WITH_CAPABILITY: Readonly<Record<string, readonly string[]>> = {
  CAP_DAC_READ_SEARCH: words('open_by_handle_at'),
  CAP_SYS_ADMIN: words(
    'bpf fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules lsm_set_self_attr ' +
      'mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog ' +
      'umount umount2 unshare',
  ),
  CAP_SYS_BOOT: words('reboot'),
  CAP_SYS_CHROOT: words('chroot'),
  CAP_SYS_MODULE: words('delete_module finit_module init_module'),
  CAP_SYS_PACCT: words('acct'),
  CAP_SYS_PTRACE: words('kcmp pidfd_getfd process_madvise'),
  CAP_SYS_RAWIO: words('ioperm iopl'),
  CAP_SYS_TIME: words('clock_settime clock_settime64 settimeofday stime'),
  CAP_SYS_TTY_CONFIG: words('vhangup'),
  CAP_SYS_NICE: words('get_mempolicy mbind set_mempolicy set_mempolicy_home_node'),
  CAP_SYSLOG: words('syslog'),
  CAP_BPF: words('bpf'),
  CAP_PERFMON: words('perf_event_open'),
};

/** Where there are such calls at all. */
const ON_ARCHITECTURE: readonly { arches: string[]; names: string[] }[] = [
  { arches: ['ppc64le'], names: words('swapcontext sync_file_range2') },
  {
    arches: ['arm', 'arm64'],
    names: words('arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2'),
  },
  { arches: ['amd64', 'x32'], names: words('arch_prctl') },
  { arches: ['amd64', 'x32', 'x86', '386'], names: words('modify_ldt') },
  { arches: ['s390', 's390x'], names: words('s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr') },
  { arches: ['riscv64'], names: words('riscv_flush_icache') },
];

const ARCHITECTURES: Readonly<Record<string, string[]>> = {
  X86_64: ['X86', 'X32'],
  AARCH64: ['ARM'],
  MIPS64: ['MIPS', 'MIPS64N32'],
  MIPSEL64: ['MIPSEL', 'MIPSEL64N32'],
  S390X: ['S390'],
  RISCV64: [],
};

const EPERM = 1;
const ENOSYS = 38;
const allow = (names: string[], more: Partial<SeccompRule> = {}): SeccompRule => ({
  names,
  action: 'SCMP_ACT_ALLOW',
  ...more,
});
const refuse = (names: string[], errnoRet: number, more: Partial<SeccompRule> = {}): SeccompRule => ({
  names,
  action: 'SCMP_ACT_ERRNO',
  errnoRet,
  ...more,
});
const argument = (index: number, op: string, value: number, valueTwo = 0) => ({
  index,
  value,
  valueTwo,
  op: `SCMP_CMP_${op}`,
});

/** CLONE_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET: clone(2) with none of them makes a mere process or thread. */
const NAMESPACE_FLAGS = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000];
const ALL_FLAGS = NAMESPACE_FLAGS.reduce((sum, flag) => sum + flag, 0);

/** Namespaces are for those who may make them; clone3(2), whose flags a filter cannot see, is not there for others. */
function cloneRules(): SeccompRule[] {
  const without = { caps: ['CAP_SYS_ADMIN'] };
  const s390 = ['s390', 's390x'];
  const rules = (
    index: number,
    includes: SeccompRule['includes'],
    excludes: SeccompRule['excludes'],
  ): SeccompRule[] => [
    allow(['clone'], { includes, excludes, args: [argument(index, 'MASKED_EQ', ALL_FLAGS)] }),
    ...NAMESPACE_FLAGS.map((flag) =>
      refuse(['clone'], EPERM, { includes, excludes, args: [argument(index, 'MASKED_EQ', flag, flag)] }),
    ),
  ];
  return [
    allow(['clone', 'clone3'], { includes: without }),
    ...rules(0, undefined, { ...without, arches: s390 }),
    ...rules(1, { arches: s390 }, without),
    refuse(['clone3'], ENOSYS, { excludes: without }),
  ];
}

const AF_VSOCK = 40;
/** personality(2): Linux, Linux on 32 bits, both with UNAME26, and "which one is it?" */
const PERSONALITIES = [0, 8, 0x20000, 0x20008, 0xffffffff];

function capabilityRules(): SeccompRule[] {
  const holders = new Map<string, string[]>();
  for (const [capability, names] of Object.entries(WITH_CAPABILITY))
    for (const name of names) holders.set(name, [...(holders.get(name) ?? []), capability]);
  return [...holders].flatMap(([name, caps]) => [
    ...caps.map((capability) => allow([name], { includes: { caps: [capability] } })),
    refuse([name], EPERM, { excludes: { caps } }),
  ]);
}

/** What a container is held to unless it is given another profile, or none. */
export const DEFAULT_SECCOMP: SeccompProfile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: ENOSYS,
  archMap: Object.entries(ARCHITECTURES).map(([name, others]) => ({
    architecture: `SCMP_ARCH_${name}`,
    subArchitectures: others.map((other) => `SCMP_ARCH_${other}`),
  })),
  syscalls: [
    allow(ALWAYS),
    refuse(NEVER, EPERM),
    ...ON_ARCHITECTURE.map(({ arches, names }) => allow(names, { includes: { arches } })),
    ...capabilityRules(),
    ...cloneRules(),
    allow(['socket'], { args: [argument(0, 'NE', AF_VSOCK)] }),
    refuse(['socket'], EPERM, { args: [argument(0, 'EQ', AF_VSOCK)] }),
    ...PERSONALITIES.map((value) => allow(['personality'], { args: [argument(0, 'EQ', value)] })),
  ],
};
