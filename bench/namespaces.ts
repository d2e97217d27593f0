import { spawnSync } from 'node:child_process';
import { constants, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from './options.ts';

const INSIDE = 'BERTH_BENCH_INSIDE';
export const isInside = (): boolean => process.env[INSIDE] !== undefined;

/** Exit status of the script below when a mount namespace cannot be bound to a file in this one. */
const TRY_ANOTHER = 117;

/**
 * The first process of the namespaces: a shell, which reaps. sysfs has to be mounted anew to show the new network namespace, with the
 * control groups over it again; the old one has to go, or what reads mountinfo takes what is covered for what is there. Newer kernels number namespaces by CPU, and refuse to bind a mount namespace with a lower number than
 * the current one's (Berth's engine does that): where a CPU's numbers are lower, the namespace is made once more on another CPU.
 */
const FIRST = `
set -e
directory=$1; shift
cpus=$1; shift
mkdir "$directory/cgroup"
touch "$directory/probe"
mount --bind "$directory" "$directory"
mount --make-private "$directory"
for cpu in $(seq 0 $((cpus - 1))); do
  taskset -c $cpu unshare --mount="$directory/probe" true 2>/dev/null || exit ${TRY_ANOTHER}
  umount "$directory/probe"
done
mount --rbind /sys/fs/cgroup "$directory/cgroup"
umount -l /sys
mount -t sysfs sysfs /sys
mount --rbind "$directory/cgroup" /sys/fs/cgroup
umount -l "$directory"
ip link set lo up
set +e
taskset -pc 0-$((cpus - 1)) $$ >/dev/null
"$@"
exit $?
`;

/**
 * Starts this program again in network, mount and process namespaces of its own: the engines' bridges, rules, mounts and processes end
 * with them, whatever happens, and other engines on the machine are not touched. Gives its exit status.
 */
export function enterNamespaces(args: readonly string[]): number {
  if (process.getuid?.() !== 0)
    throw new UsageError('the benchmark needs root: engines make namespaces, mounts and bridges');
  const own = mkdtempSync(join(tmpdir(), 'berth-bench-node-'));
  try {
    // Berth runs by the same Node: shared with the benchmark, its pages would count half (proc_pid_smaps(5), Pss).
    copyFileSync(process.execPath, join(own, 'node'), constants.COPYFILE_FICLONE);
    return tryOnEachCpu(join(own, 'node'), args);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

function tryOnEachCpu(node: string, args: readonly string[]): number {
  const count = cpus().length;
  const program = [node, '--disable-warning=ExperimentalWarning', process.argv[1] as string, ...args];
  for (let cpu = 0; cpu < count; cpu++) {
    const directory = mkdtempSync(join(tmpdir(), 'berth-bench-'));
    const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const argv = [
      '-c',
      String(cpu),
      'unshare',
      ...namespaces,
      'sh',
      '-c',
      FIRST,
      'sh',
      directory,
      String(count),
      ...program,
    ];
    const { status, error } = spawnSync('taskset', argv, { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } });
    rmSync(directory, { recursive: true, force: true });
    if (error) throw error;
    if (status !== TRY_ANOTHER) return status ?? 1;
  }
  throw new Error('no CPU of this machine makes mount namespaces that others can be bound in');
}
