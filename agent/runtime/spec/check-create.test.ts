import { describe, expect, it } from 'vitest';
import { EngineError } from '../../api/errors.ts';
import type { ContainerCreateRequest, HostConfig } from '../../api/container.ts';
import { checkCreate } from './check-create.ts';
import { someFacts, someRequest } from './testing.ts';

function refusal(request: unknown, facts = someFacts()): string {
  try {
    checkCreate(request as ContainerCreateRequest, {}, facts);
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError);
    expect((error as EngineError).kind).toBe('invalid-parameter');
    return (error as Error).message;
  }
  return '(accepted)';
}
const host = (hostConfig: unknown) => someRequest({ HostConfig: hostConfig as HostConfig });
const MiB = 1024 * 1024;

describe('types of fields', () => {
  it.each([
    [
      { Image: 1 },
      'invalid JSON: json: cannot unmarshal number into Go struct field CreateRequest.Image of type string',
    ],
    [
      { ...host({ Memory: '1g' }) },
      'invalid JSON: json: cannot unmarshal string into Go struct field CreateRequest.HostConfig.Memory of type int64',
    ],
    [
      { ...host({ Memory: 1.5 }) },
      'invalid JSON: json: cannot unmarshal number 1.5 into Go struct field CreateRequest.HostConfig.Memory of type int64',
    ],
    [
      { ...host({ Privileged: 'yes' }) },
      'invalid JSON: json: cannot unmarshal string into Go struct field CreateRequest.HostConfig.Privileged of type bool',
    ],
    [
      { ...host({ BlkioWeight: 70_000 }) },
      'invalid JSON: json: cannot unmarshal number 70000 into Go struct field CreateRequest.HostConfig.BlkioWeight of type uint16',
    ],
    [
      { ...host([]) },
      'invalid JSON: json: cannot unmarshal array into Go struct field CreateRequest.HostConfig of type container.HostConfig',
    ],
    [
      { Image: 'a', Env: { A: 1 } },
      'invalid JSON: json: cannot unmarshal object into Go struct field CreateRequest.Env of type []string',
    ],
    [
      { Image: 'a', Cmd: 3 },
      'invalid JSON: json: cannot unmarshal number into Go struct field CreateRequest.Cmd of type []string',
    ],
    [
      { Image: 'a', Labels: { a: 1 } },
      'invalid JSON: json: cannot unmarshal number into Go struct field CreateRequest.Labels of type string',
    ],
    [{}, 'config cannot be empty in order to create a container'],
  ])('%j', (request, message) => expect(refusal(request)).toBe(message));

  it('matches names without regard to case, takes a word for a list, and drops what it does not know', () => {
    const checked = checkCreate(
      { image: 'a', cmd: 'true', hostconfig: { memory: 10 * MiB }, nonsense: 1 } as never,
      {},
      someFacts(),
    );
    expect([checked.path, checked.hostConfig.Memory, 'nonsense' in checked.config]).toEqual(['true', 10 * MiB, false]);
  });
});

describe('the portable part', () => {
  it.each<[ContainerCreateRequest, string]>([
    [{ Image: 'a' }, 'no command specified'],
    [{ Image: 'a', Entrypoint: [''] }, 'no command specified'],
    [{ WorkingDir: 'a/b' }, "the working directory 'a/b' is invalid, it needs to be an absolute path"],
    [{ Env: ['=x'] }, 'invalid environment variable: =x'],
    [{ Env: [''] }, 'invalid environment variable: '],
    [{ StopSignal: 'SIGFOO' }, 'invalid signal: SIGFOO'],
    [{ StopSignal: '99' }, 'invalid signal: 99'],
    [{ Hostname: 'x'.repeat(65) }, `hostname "${'x'.repeat(65)}" is too long (maximum 64 bytes)`],
    [{ ExposedPorts: { '99999/tcp': {} } }, 'invalid port specification: "99999/tcp"'],
    [{ ExposedPorts: { '80/icmp': {} } }, 'invalid port specification: "80/icmp"'],
    [{ Healthcheck: { Interval: 1 } }, 'Interval in Healthcheck cannot be less than 1ms'],
    [{ Healthcheck: { Retries: -1 } }, 'Retries in Healthcheck cannot be negative'],
  ])('%j', (request, message) => expect(refusal('Image' in request ? request : someRequest(request))).toBe(message));
});

describe('the host part', () => {
  it.each<[HostConfig | object, string]>([
    [
      { AutoRemove: true, RestartPolicy: { Name: 'always' } },
      "can't create 'AutoRemove' container with restart policy",
    ],
    [
      { RestartPolicy: { Name: 'always', MaximumRetryCount: 3 } },
      "invalid restart policy: maximum retry count can only be used with 'on-failure'",
    ],
    [
      { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: -1 } },
      'invalid restart policy: maximum retry count cannot be negative',
    ],
    [
      { RestartPolicy: { Name: 'never' } },
      "invalid restart policy: unknown policy 'never'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
    ],
    [{ CapAdd: ['FOO'] }, 'invalid CapAdd: unknown capability: "CAP_FOO"'],
    [{ CapDrop: ['CAP_BAR'] }, 'invalid CapDrop: unknown capability: "CAP_BAR"'],
    [
      { CapAdd: ['sys_resource'] },
      'invalid CapAdd: capability not supported by your kernel or not available in the current environment: "CAP_SYS_RESOURCE"',
    ],
    [{ SecurityOpt: ['foo'] }, 'invalid --security-opt 1: "foo"'],
    [{ SecurityOpt: ['foo=bar'] }, 'invalid --security-opt 2: "foo=bar"'],
    [{ SecurityOpt: ['no-new-privileges=maybe'] }, 'invalid --security-opt 2: "no-new-privileges=maybe"'],
    [
      { SecurityOpt: ['seccomp={"defaultAction":"SCMP_ACT_NO"}'] },
      'Decoding seccomp profile failed: unknown action SCMP_ACT_NO',
    ],
    [{ Sysctls: { 'kernel.panic': '1' } }, 'sysctl "kernel.panic" is not in a separate kernel namespace'],
    [
      { Sysctls: { 'net.ipv4.ip_forward': '1' }, NetworkMode: 'host' },
      'sysctl "net.ipv4.ip_forward" not allowed in host network namespace',
    ],
    [
      { Sysctls: { 'kernel.shmmax': '1' }, IpcMode: 'host' },
      'sysctl "kernel.shmmax" is not allowed in the hosts ipc namespace',
    ],
    [{ PortBindings: { '80': [{ HostPort: 'x' }] } }, 'invalid port specification: "x"'],
    [{ PortBindings: { '80/tcp': [{ HostPort: '70000' }] } }, 'invalid port specification: "70000"'],
    [{ PortBindings: { '0/tcp': [] } }, 'invalid port specification: "0"'],
    [{ ExtraHosts: ['nonsense'] }, 'bad format for add-host: "nonsense"'],
    [{ ExtraHosts: ['a:1.2.3.999'] }, 'invalid IP address in add-host: "1.2.3.999"'],
    [{ IpcMode: 'foo' }, 'invalid IPC mode: foo'],
    [{ PidMode: 'container:' }, 'invalid PID mode: container:'],
    [{ UTSMode: 'private' }, 'invalid UTS mode: private'],
    [{ CgroupnsMode: 'foo' }, 'invalid cgroup namespace mode: foo'],
    [{ UsernsMode: 'foo' }, 'invalid userns mode: foo'],
    [
      { UsernsMode: 'private', NetworkMode: 'host' },
      "cannot share the host's network namespace when user namespaces are enabled",
    ],
    [{ ShmSize: -1 }, 'SHM size can not be less than 0'],
    [{ OomScoreAdj: 2000 }, 'Invalid value 2000, range for oom score adj is [-1000, 1000]'],
    [{ Runtime: 'kata' }, 'unknown or invalid runtime name: kata'],
    [{ Isolation: 'hyperv' }, "invalid isolation (hyperv): linux only supports 'default'"],
    [{ Tmpfs: { '/': '' } }, "invalid specification: destination can't be '/'"],
    [{ Tmpfs: { a: '' } }, "invalid mount path: 'a' mount path must be absolute"],
    [{ Tmpfs: { '/a': 'foo' } }, 'invalid tmpfs option "foo"'],
    [{ DeviceCgroupRules: ['c 1 r'] }, "invalid device cgroup rule format: 'c 1 r'"],
    [{ LogConfig: { Type: 'syslogd' } }, "logger: no log driver named 'syslogd' is registered"],
    [{ LogConfig: { Type: 'json-file', Config: { foo: '1' } } }, "unknown log opt 'foo' for json-file log driver"],
    [
      { LogConfig: { Type: 'json-file', Config: { 'max-size': 'much' } } },
      "failed to initialize logging driver: invalid size: 'much'",
    ],
    [
      { LogConfig: { Type: 'json-file', Config: { 'max-file': '0', 'max-size': '1m' } } },
      'failed to initialize logging driver: max-file cannot be less than 1',
    ],
    [{ Ulimits: [{ Name: 'foo', Soft: 1, Hard: 1 }] }, 'invalid ulimit type: foo'],
    [
      { Ulimits: [{ Name: 'nofile', Soft: 2, Hard: 1 }] },
      'ulimit soft limit must be less than or equal to hard limit: 2 > 1',
    ],
    [{ StorageOpt: { foo: '1' } }, 'Unknown option foo'],
    [
      { DeviceRequests: [{ Driver: '', Count: -1, Capabilities: [['gpu']] }] },
      'could not select device driver "" with capabilities: [[gpu]]',
    ],
  ])('%j', (hostConfig, message) => expect(refusal(host(hostConfig))).toBe(message));
});

describe('limits', () => {
  it.each<[HostConfig, string]>([
    [{ Memory: 5 * MiB }, 'Minimum memory limit allowed is 6MB'],
    [{ Memory: -1 }, 'Minimum memory limit allowed is 6MB'],
    [
      { Memory: 20 * MiB, MemorySwap: 10 * MiB },
      'Minimum memoryswap limit should be larger than memory limit, see usage',
    ],
    [{ MemorySwap: 10 * MiB }, 'You should always set the Memory limit when using Memoryswap limit, see usage'],
    [{ MemorySwappiness: 101 }, 'Invalid value: 101, valid memory swappiness range is 0-100'],
    [{ MemoryReservation: MiB }, 'Minimum memory reservation allowed is 6MB'],
    [
      { Memory: 10 * MiB, MemoryReservation: 20 * MiB },
      'Minimum memory limit can not be less than memory reservation limit, see usage',
    ],
    [{ NanoCpus: 3e9 }, 'range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available'],
    [{ NanoCpus: 1e9, CpuQuota: 50_000 }, 'Conflicting options: Nano CPUs and CPU Quota cannot both be set'],
    [{ NanoCpus: 1e9, CpuPeriod: 50_000 }, 'Conflicting options: Nano CPUs and CPU Period cannot both be set'],
    [{ CpuPeriod: 10 }, 'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)'],
    [{ CpuQuota: 10 }, 'CPU cfs quota can not be less than 1ms (i.e. 1000)'],
    [{ CpuShares: -1 }, 'invalid CPU shares (-1): value must be a positive integer'],
    [{ CpusetCpus: '9' }, 'Requested CPUs are not available - requested 9, available: 0-1'],
    [{ CpusetMems: '4' }, 'Requested memory nodes are not available - requested 4, available: 0'],
    [{ CpusetCpus: '0-x' }, 'Invalid value 0-x for cpuset cpus: invalid format: 0-x'],
    [{ BlkioWeight: 5 }, 'Range of blkio weight is from 10 to 1000'],
    [{ CpuRealtimeRuntime: 5 }, 'kernel does not support CPU real-time scheduler'],
    [{ IOMaximumIOps: 5 }, 'invalid option: QoS maximum IOPs configuration is not supported on linux'],
  ])('%j', (hostConfig, message) => expect(refusal(host(hostConfig))).toBe(message));

  it('takes out what the kernel cannot do, and says so', () => {
    const facts = someFacts({ controllers: new Set(['cpu']), blkioWeight: false });
    const { hostConfig, warnings } = checkCreate(
      host({ Memory: 10 * MiB, PidsLimit: 5, CpusetCpus: '0', BlkioWeight: 100 }),
      {},
      facts,
    );
    expect([hostConfig.Memory, hostConfig.PidsLimit, hostConfig.CpusetCpus, hostConfig.BlkioWeight]).toEqual([
      0,
      undefined,
      '',
      0,
    ]);
    expect(warnings).toEqual([
      'Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.',
      'Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.',
      'Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.',
      'Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.',
    ]);
  });

  it('limits swap to as much again as memory', () => {
    expect(checkCreate(host({ Memory: 10 * MiB }), {}, someFacts()).hostConfig.MemorySwap).toBe(20 * MiB);
    expect(checkCreate(host({ Memory: 10 * MiB, MemorySwap: -1 }), {}, someFacts()).hostConfig.MemorySwap).toBe(-1);
  });
});

describe('modes that exclude options', () => {
  const other = { NetworkMode: 'container:x' };
  it.each<[ContainerCreateRequest, string]>([
    [{ Hostname: 'a', HostConfig: other }, 'conflicting options: hostname and the network mode'],
    [
      { HostConfig: { NetworkMode: 'container:' } },
      'invalid network mode: invalid container format container:<name|id>',
    ],
    [{ HostConfig: { ...other, Dns: ['1.1.1.1'] } }, 'conflicting options: dns and the network mode'],
    [
      { HostConfig: { ...other, PublishAllPorts: true } },
      'conflicting options: port publishing and the container type network mode',
    ],
    [
      { ExposedPorts: { '80/tcp': {} }, HostConfig: other },
      'conflicting options: port exposing and the container type network mode',
    ],
    [{ Hostname: 'a', HostConfig: { UTSMode: 'host' } }, 'conflicting options: hostname and the UTS mode'],
    [
      { HostConfig: { NetworkMode: 'none' }, NetworkingConfig: { EndpointsConfig: { other: {} } } },
      'container cannot be connected to multiple networks with one of the networks in private (none) mode',
    ],
    [{ NetworkingConfig: { EndpointsConfig: { a: null } } }, '(accepted)'],
  ])('%j', (request, message) => {
    const got = refusal(someRequest(request));
    expect(got).toBe(message === '(accepted)' ? 'invalid config for network a: EndpointsConfig is nil' : message);
  });
});

describe('what the image says', () => {
  const image = {
    Entrypoint: ['/ep'],
    Cmd: ['c'],
    Env: ['A=1', 'B=2'],
    User: 'u',
    WorkingDir: '/w',
    Labels: { x: '1' },
    Volumes: { '/v': {} },
    StopSignal: 'SIGINT',
  };
  const argv = (request: ContainerCreateRequest) => {
    const checked = checkCreate({ Image: 'a', ...request }, image, someFacts());
    return [checked.path, ...checked.args];
  };
  it.each<[ContainerCreateRequest, string[]]>([
    [{}, ['/ep', 'c']],
    [{ Cmd: ['x', 'y'] }, ['/ep', 'x', 'y']],
    [{ Entrypoint: ['/mine'] }, ['/mine']],
    [{ Entrypoint: ['/mine'], Cmd: ['x'] }, ['/mine', 'x']],
    [{ Entrypoint: [''], Cmd: ['x'] }, ['x']],
  ])('%j runs %j', (request, expected) => expect(argv(request)).toEqual(expected));

  it('completes the rest', () => {
    const { config } = checkCreate({ Image: 'a', Env: ['B=3'], Labels: { y: '2' } }, image, someFacts());
    expect(config).toMatchObject({
      Env: ['B=3', 'A=1'],
      User: 'u',
      WorkingDir: '/w',
      Labels: { x: '1', y: '2' },
      Volumes: { '/v': {} },
      StopSignal: 'SIGINT',
    });
  });

  it('an image without a command can be run with one, but not without', () => {
    expect(() => checkCreate({ Image: 'a' }, { Entrypoint: null, Cmd: null }, someFacts())).toThrow(
      'no command specified',
    );
  });
});
