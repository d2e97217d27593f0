import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MountPoint } from '../../api/container.ts';
import { MNT, syscalls } from '../../system/syscalls.ts';
import { lookUpUser } from './user.ts';
import { runWith } from './run-with-runtime.ts';

const lines = (text: string) => text.trim().split('\n');

describe.each(['crun', 'runc'])('%s', (runtime) => {
  const run = async (script: string, ...rest: [object?, object?]) => {
    const ran = await runWith(runtime, script, ...rest);
    expect(ran.err).toBe('');
    return lines(ran.out);
  };

  it('starts as the user of the image’s passwd, in a directory that it makes, with the expected environment', async () => {
    const got = await run('id; pwd; env | sort; hostname; cat /etc/hosts', {
      User: 'bob:wheel',
      WorkingDir: '/a/b',
      Hostname: 'box',
      Env: ['A=1'],
    });
    expect(got).toEqual(
      expect.arrayContaining([
        'uid=1000(bob) gid=10(wheel) groups=10(wheel)',
        '/a/b',
        'A=1',
        'HOME=/home/bob',
        'HOSTNAME=box',
        'box',
        'from the engine',
      ]),
    );
  });

  it('gives Docker’s capabilities to root, and none of them in force to another', async () => {
    const script = 'grep -E "^(Cap(Eff|Bnd|Amb|Inh)|NoNewPrivs|Seccomp):" /proc/self/status | tr -d "\\t"';
    expect(await run(script)).toEqual([
      'CapInh:0000000000000000',
      'CapEff:00000000a80425fb',
      'CapBnd:00000000a80425fb',
      'CapAmb:0000000000000000',
      'NoNewPrivs:0',
      'Seccomp:2',
    ]);
    const bob = await run(script, {
      User: 'bob',
      HostConfig: {
        CapAdd: ['NET_ADMIN'],
        CapDrop: ['MKNOD'],
        SecurityOpt: ['no-new-privileges', 'seccomp=unconfined'],
      },
    });
    expect(bob).toEqual([
      'CapInh:0000000000000000',
      'CapEff:0000000000000000',
      'CapBnd:00000000a00435fb',
      'CapAmb:0000000000000000',
      'NoNewPrivs:1',
      'Seccomp:0',
    ]);
  });

  it('filters system calls by a profile of the user’s own', async () => {
    const profile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
    };
    const own = await runWith(runtime, 'busybox mkdir /tmp/x', {
      HostConfig: { SecurityOpt: [`seccomp=${JSON.stringify(profile)}`] },
    });
    expect([own.code, own.err]).toEqual([1, expect.stringContaining('Operation not permitted')]);
  });

  it('limits memory, CPU, processes and open files', async () => {
    const limits = {
      Memory: 33_554_432,
      NanoCpus: 5e8,
      CpuShares: 512,
      CpusetCpus: '0',
      PidsLimit: 20,
      MemoryReservation: 16_777_216,
      Ulimits: [
        { Name: 'nofile', Soft: 1e6, Hard: 1e6 },
        { Name: 'core', Soft: -1, Hard: -1 },
      ],
    };
    const got = await run(
      'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory/memory.memsw.limit_in_bytes memory/memory.soft_limit_in_bytes cpu/cpu.cfs_quota_us cpu/cpu.shares cpuset/cpuset.cpus pids/pids.max; ulimit -Hn; ulimit -Hc',
      { HostConfig: limits },
    );
    expect(got).toEqual(['33554432', '67108864', '16777216', '50000', '512', '0', '20', '20000', 'unlimited']);
  });

  it('hides and protects what it should, unless privileged', async () => {
    const script =
      'head -c1 /proc/timer_list | wc -c; touch /proc/sys/kernel/domainname 2>/dev/null && (echo x > /proc/sys/kernel/domainname) 2>/dev/null && echo writable || echo protected; mount | grep " /sys type" | grep -o "(r[ow]"; ls /dev | wc -l';
    const plain = await run(script);
    expect(plain.slice(0, 3)).toEqual(['0', 'protected', '(ro']);
    const privileged = await run(script.replace('head -c1 /proc/timer_list | wc -c; ', ''), {
      HostConfig: { Privileged: true },
    });
    expect(privileged.slice(0, 2)).toEqual(['writable', '(rw']);
    expect(Number(privileged[2])).toBeGreaterThan(Number(plain[3]));
  });

  it('mounts volumes, binds and tmpfs as asked', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'berth-bind-'));
    try {
      await writeFile(join(outside, 'f'), 'hello\n');
      const point = (Destination: string, RW: boolean): MountPoint => ({
        Type: 'bind',
        Source: outside,
        Destination,
        Mode: '',
        RW,
        Propagation: 'rprivate',
      });
      const got = await run(
        'cat /data/ro/f; touch /data/ro/g 2>&1 || echo no; touch /data/rw/g && echo yes; mount | grep " /t type" ; df -k /dev/shm | grep -o "shm *1024" | tr -s " "; cat /etc/hostname',
        { HostConfig: { Tmpfs: { '/t': 'size=64k,exec' }, ShmSize: 1_048_576 } },
        {
          mounts: [
            point('/data/rw', true),
            point('/data/ro', false),
            { ...point('/etc/hostname', true), Source: join(outside, 'f') },
          ],
        },
      );
      expect(got[0]).toBe('hello');
      expect(got.slice(2, 4)).toEqual(['no', 'yes']);
      expect(got[4]).toMatch(/tmpfs.*nosuid,nodev.*size=64k/);
      expect(got[4]).not.toContain('noexec');
      expect(got.slice(5)).toEqual(['shm 1024', 'hello']);
      expect(await readFile(join(outside, 'g'), 'utf8')).toBe('');
    } finally {
      await rm(outside, { recursive: true });
    }
  });

  it('makes a read-only bind read-only with all that is mounted below it', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'berth-bind-'));
    await mkdir(join(outside, 'below'));
    const sys = syscalls();
    sys.mount('tmpfs', join(outside, 'below'), 'tmpfs', 0, 'size=64k');
    try {
      const point: MountPoint = {
        Type: 'bind',
        Source: outside,
        Destination: '/data',
        Mode: '',
        RW: false,
        Propagation: 'rprivate',
      };
      await writeFile(join(outside, 'f'), '');
      const file: MountPoint = { ...point, Source: join(outside, 'f'), Destination: '/file' };
      const script = 'for f in /data/x /data/below/x /file; do touch $f 2>/dev/null || echo no; done';
      expect(await run(script, {}, { mounts: [point, file] })).toEqual(['no', 'no', 'no']);
    } finally {
      sys.umount(join(outside, 'below'), MNT.DETACH);
      await rm(outside, { recursive: true });
    }
  });

  it('makes the root read-only and leaves tmpfs writable', async () => {
    const got = await run('touch /x 2>/dev/null || echo no; touch /dev/shm/x && echo yes; touch /t/x && echo yes', {
      HostConfig: { ReadonlyRootfs: true, Tmpfs: { '/t': '' } },
    });
    expect(got).toEqual(['no', 'yes', 'yes']);
  });

  it('gives devices, and lets only these be used', async () => {
    const got = await run(
      'stat -c "%t %T %F" /dev/mine; head -c1 /dev/mine | wc -c; mknod /tmp/kmsg c 1 11; head -c1 /tmp/kmsg 2>&1',
      {
        HostConfig: { Devices: [{ PathOnHost: '/dev/zero', PathInContainer: '/dev/mine', CgroupPermissions: 'r' }] },
      },
    );
    expect(got.slice(0, 2)).toEqual(['1 5 character special file', '1']);
    expect(got[2]).toContain('Operation not permitted');
  });

  it('has namespaces of its own, or the host’s', async () => {
    const script = 'for n in pid net ipc uts cgroup mnt; do echo $n; busybox readlink /proc/self/ns/$n; done';
    const own = async (name: string) => (await import('node:fs/promises')).readlink(`/proc/self/ns/${name}`);
    const fresh = await run(script);
    for (const name of ['pid', 'net', 'ipc', 'uts', 'cgroup', 'mnt']) expect(fresh).not.toContain(await own(name));
    const host = { kind: 'host' } as const;
    const shared = await run(
      script,
      { HostConfig: { PidMode: 'host', NetworkMode: 'host', IpcMode: 'host', UTSMode: 'host', CgroupnsMode: 'host' } },
      { namespaces: { pid: host, net: host, ipc: host, uts: host, cgroup: host } },
    );
    for (const name of ['pid', 'net', 'ipc', 'uts', 'cgroup']) expect(shared).toContain(await own(name));
  });

  it('sets kernel parameters of its namespaces', async () => {
    const got = await run(
      'cd /proc/sys; cat net/ipv4/ip_unprivileged_port_start net/ipv4/ping_group_range kernel/msgmax kernel/domainname',
      {
        Domainname: 'example.org',
        HostConfig: { Sysctls: { 'kernel.msgmax': '9999' } },
      },
    );
    expect(got).toEqual(['0', '0\t2147483647', '9999', 'example.org']);
  });

  it('puts an init before the process when told to', async () => {
    const got = await run('cat /proc/1/comm; cat /proc/$$/stat | cut -d" " -f4 2>/dev/null || true', {
      HostConfig: { Init: true },
    });
    expect(got[0]).toMatch(/docker-init|tini|catatonit/);
  });

  it('lowers no OOM score it may not, and starts all the same', async () => {
    const got = await run('cat /proc/self/oom_score_adj', { HostConfig: { OomScoreAdj: -500 } });
    expect(Number(got[0])).toBeGreaterThanOrEqual(-500);
    expect(await run('cat /proc/self/oom_score_adj', { HostConfig: { OomScoreAdj: 500 } })).toEqual(['500']);
  });

  it('makes the working directory inside the root, whatever links the image has', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'berth-outside-'));
    try {
      const got = await run(
        'pwd -P',
        { WorkingDir: '/trap/work' },
        {
          prepare: async (root: string) => {
            await symlink(outside, join(root, 'trap'));
            await mkdir(join(root, outside), { recursive: true });
          },
        },
      );
      expect(got).toEqual([`${outside}/work`]);
      await expect(readFile(join(outside, 'work'))).rejects.toThrow('ENOENT');
    } finally {
      await rm(outside, { recursive: true });
    }
  });
});

it('says what is wrong before anything runs', async () => {
  await expect(runWith('crun', 'true', { User: 'alice' })).rejects.toThrow(
    'unable to find user alice: no matching entries in passwd file',
  );
  await expect(
    runWith('crun', 'true', {
      HostConfig: { Devices: [{ PathOnHost: '/dev/nope', PathInContainer: '/dev/x', CgroupPermissions: 'rwm' }] },
    }),
  ).rejects.toThrow(
    'error gathering device information while adding custom device "/dev/nope": no such file or directory',
  );
});

it('is not held up by a FIFO in the place of passwd', async () => {
  const root = await mkdtemp(join(tmpdir(), 'berth-user-'));
  try {
    await mkdir(join(root, 'etc'));
    syscalls().mkfifo(join(root, 'etc/passwd'), 0o644);
    expect(await lookUpUser(root, '7')).toEqual({ uid: 7, gid: 0, groups: [], home: '/' });
  } finally {
    await rm(root, { recursive: true });
  }
});
