import { existsSync } from 'node:fs';
import { expect } from 'vitest';
import { dropGroup, GROUP, limit, refuses, shows, type OptionRow } from './row.ts';

const cpu = (file: string, v2: string) => limit(`cpu/cpu.${file}`, v2);
const memory = (file: string, v2: string) => limit(`memory/memory.${file}`, v2);
const throttled = (name: string) => limit(`blkio/blkio.throttle.${name}_device`, 'io.max');

/** What a container may use, read from its own control groups. Where the kernel has no such control: the warning. */
/* prettier-ignore */
export const LIMIT_ROWS: readonly OptionRow[] = [
  shows('cpus', 'is a share of the time', '--cpus 0.25', cpu('cfs_quota_us', 'cpu.max'), /^25000( 100000)?$/),
  refuses('cpus', 'cannot be more than there are', '--cpus 999', /range of CPUs is from 0.01 to \d+\.00, as there are only \d+ CPUs available/),
  refuses('cpus', 'excludes --cpu-quota', '--cpus 1 --cpu-quota 5000', 'Conflicting options: Nano CPUs and CPU Quota cannot both be set'),
  refuses('cpus', 'excludes --cpu-period', '--cpus 1 --cpu-period 5000', 'Conflicting options: Nano CPUs and CPU Period cannot both be set'),
  shows('cpu-period cpu-quota', 'set the quota', '--cpu-period 50000 --cpu-quota 20000', limit('cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us', 'cpu.max'), /^20000[\n ]50000$/),
  refuses('cpu-period', 'is from 1 ms to 1 s', '--cpu-period 999', 'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)'),
  refuses('cpu-quota', 'is at least 1 ms', '--cpu-quota 999', 'CPU cfs quota can not be less than 1ms (i.e. 1000)'),
  shows('cpu-shares', 'is the weight', '-c 512', cpu('shares', 'cpu.weight'), /^(512|20|59)$/),
  refuses('cpu-shares', 'cannot be negative', '-c -5', 'invalid CPU shares (-5): value must be a positive integer'),
  shows('cpuset-cpus', 'are the CPUs it runs on', '--cpuset-cpus 0', `${limit('cpuset/cpuset.cpus', 'cpuset.cpus')}; nproc`, '0\n1'),
  refuses('cpuset-cpus', 'must be there', '--cpuset-cpus 4000', /Requested CPUs are not available - requested 4000, available: [\d,-]+/),
  refuses('cpuset-cpus', 'is a list', '--cpuset-cpus 0-', 'Invalid value 0- for cpuset cpus'),
  shows('cpuset-mems', 'are the nodes it has memory of', '--cpuset-mems 0', limit('cpuset/cpuset.mems', 'cpuset.mems'), '0'),
  refuses('cpuset-mems', 'must be there', '--cpuset-mems 1000', /Requested memory nodes are not available - requested 1000, available: [\d,-]+/),
  {
    option: 'cpu-rt-period cpu-rt-runtime',
    does: 'are a share of what the engine has, or are refused',
    check: async (b) => {
      const run = (opts: string) => b.sh(`--cgroup-parent ${GROUP} ${opts}`, 'cat /sys/fs/cgroup/cpu/cpu.rt_runtime_us /sys/fs/cgroup/cpu/cpu.rt_period_us');
      const { stdout, stderr } = await run('--cpu-rt-period 500000 --cpu-rt-runtime 9000');
      if (existsSync('/sys/fs/cgroup/cpu/cpu.rt_runtime_us')) expect(stdout, stderr).toBe('9000\n500000');
      else expect(stderr).toContain('kernel does not support CPU real-time scheduler');
      expect((await run('--cpu-rt-period 1000 --cpu-rt-runtime 2000')).stderr).toContain('cpu real-time runtime cannot be higher than cpu real-time period');
      await dropGroup();
    },
  },
  ...['cpu-count 1', 'cpu-percent 50', 'io-maxbandwidth 1m', 'io-maxiops 10'].map((option) =>
    refuses(option.split(' ')[0] as string, 'is for Windows', `--${option}`, 'is only supported on a Docker daemon running on windows, but the Docker daemon is running on linux', 1)),
  shows('memory memory-swap', 'are the limits without and with swap', '-m 32m --memory-swap 48m', limit('memory/memory.limit_in_bytes memory/memory.memsw.limit_in_bytes', 'memory.max memory.swap.max'), /^33554432\n(50331648|16777216)$/),
  shows('memory-swap', 'is twice the memory unless given', '-m 32m', memory('memsw.limit_in_bytes', 'memory.swap.max'), /^(67108864|33554432)$/),
  shows('memory-swap', 'of -1 is no limit', '-m 32m --memory-swap -1', memory('memsw.limit_in_bytes', 'memory.swap.max'), /^(9223372036854771712|max)$/),
  refuses('memory', 'is at least 6 MB', '-m 5m', 'Minimum memory limit allowed is 6MB'),
  refuses('memory-swap', 'holds the memory too', '-m 32m --memory-swap 16m', 'Minimum memoryswap limit should be larger than memory limit, see usage'),
  refuses('memory-swap', 'needs --memory', '--memory-swap 16m', 'You should always set the Memory limit when using Memoryswap limit, see usage'),
  { option: 'memory', does: 'ends what takes more', opts: '-m 16m --memory-swap 16m', script: 'dd if=/dev/zero of=/dev/null bs=64M count=1', code: 137 },
  shows('memory-reservation', 'is the soft limit', '-m 64m --memory-reservation 20m', memory('soft_limit_in_bytes', 'memory.low'), '20971520'),
  refuses('memory-reservation', 'is no more than the limit', '-m 32m --memory-reservation 64m', 'Minimum memory limit can not be less than memory reservation limit, see usage'),
  refuses('memory-swappiness', 'is from 0 to 100', '--memory-swappiness 101', 'invalid value: 101. Valid memory swappiness range is 0-100'),
  { option: 'memory-swappiness', does: 'is how readily it swaps', opts: '--memory-swappiness 7', script: memory('swappiness', '/dev/null'), out: /^7?$/ },
  {
    option: 'kernel-memory',
    does: 'is no more: later clients do not send it, earlier ones are told',
    check: async (b) => {
      expect((await b.sh('-m 64m --kernel-memory 32m', 'true', { env: { DOCKER_API_VERSION: '1.41' } })).stderr).toContain(
        'Your kernel does not support kernel memory limit capabilities or the cgroup is not mounted. Limitation discarded.',
      );
    },
  },
  { option: 'oom-kill-disable', does: 'leaves what takes too much waiting, or is said not to be', opts: '-m 32m --oom-kill-disable', script: memory('oom_control', '/dev/null'), out: /^(oom_kill_disable 1\n.*)?$/s },
  { option: 'oom-kill-disable', does: 'is warned of without a limit', opts: '--oom-kill-disable', err: /OOM killer is disabled for the container, but no memory limit is set|OomKillDisable discarded/ },
  shows('oom-score-adj', 'makes it the sooner one to be killed', '--oom-score-adj 321', 'cat /proc/1/oom_score_adj', '321'),
  refuses('oom-score-adj', 'has a range', '--oom-score-adj 1001', 'Invalid value 1001, range for oom score adj is [-1000, 1000]'),
  shows('pids-limit', 'is a limit', '--pids-limit 5', limit('pids/pids.max', 'pids.max'), '5'),
  { option: 'pids-limit', does: 'is how many processes it may have', opts: '--pids-limit 5', script: 'for i in 1 2 3 4 5 6 7 8; do sleep 0.2 & done', code: 2, err: "can't fork" },
  shows('pids-limit', 'of -1 is no limit', '--pids-limit -1', limit('pids/pids.max', 'pids.max'), 'max'),
  { option: 'blkio-weight', does: 'is its share, or is said not to be', opts: '--blkio-weight 300', script: limit('blkio/blkio*.weight', 'io*.weight'), out: /300|100/ },
  refuses('blkio-weight', 'has a range', '--blkio-weight 5', 'Range of blkio weight is from 10 to 1000'),
  { option: 'blkio-weight-device', does: 'is its share of a device, or is said not to be', opts: '--blkio-weight-device /dev/vda:300', script: 'true' },
  shows('device-read-bps', 'limits what is read', (b) => `--device-read-bps ${b.disk.path}:1mb`, throttled('read_bps'), /^\d+:\d+ (1048576$|.*rbps=1048576)/),
  shows('device-write-bps', 'limits what is written', (b) => `--device-write-bps ${b.disk.path}:2mb`, throttled('write_bps'), /^\d+:\d+ (2097152$|.*wbps=2097152)/),
  shows('device-read-iops', 'limits how often it reads', (b) => `--device-read-iops ${b.disk.path}:30`, throttled('read_iops'), /^\d+:\d+ (30$|.*riops=30)/),
  shows('device-write-iops', 'limits how often it writes', (b) => `--device-write-iops ${b.disk.path}:40`, throttled('write_iops'), /^\d+:\d+ (40$|.*wiops=40)/),
  {
    option: 'device-write-bps',
    does: 'slows what is written',
    check: async (b) => {
      const started = Date.now();
      await b.out(`--device-write-bps ${b.disk.path}:1mb`, 'dd if=/dev/zero of=/f bs=64k count=24 oflag=direct');
      expect(Date.now() - started).toBeGreaterThan(1000);
    },
  },
  refuses('device-read-bps', 'needs the device', '--device-read-bps /dev/nope:1mb', 'stat /dev/nope: no such file or directory', 127),
  shows('shm-size', 'is the size of /dev/shm', '--shm-size 8m', 'df -k /dev/shm | tail -n 1 | tr -s " " | cut -d " " -f 2', '8192'),
  shows('ulimit', 'sets soft and hard limits', '--ulimit nofile=100:200 --ulimit core=0', 'ulimit -Sn; ulimit -Hn; ulimit -c', '100\n200\n0'),
  shows('ulimit', 'goes no higher than the engine may', '--ulimit nproc=-1:-1', 'ulimit -u', /^(unlimited|\d+)$/),
  refuses('ulimit', 'has known names', '--ulimit bogus=1', 'invalid ulimit type: bogus'),
  refuses('ulimit', 'is soft below hard', '--ulimit nofile=20:10', 'ulimit soft limit must be less than or equal to hard limit: 20 > 10'),
];
