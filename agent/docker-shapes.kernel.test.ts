import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';

/**
 * The keys a dockerd 20.10 was recorded to answer with, less those that newer API versions have dropped. A list stands for its first
 * entry; the second column is a part of the answer.
 */
/* prettier-ignore */
const KEYS: readonly [path: string, part: string, keys: string][] = [
  ['/containers/c1/json', '', 'AppArmorProfile Args Config Created Driver ExecIDs GraphDriver HostConfig HostnamePath HostsPath Id Image LogPath MountLabel Mounts Name NetworkSettings Path Platform ProcessLabel ResolvConfPath RestartCount State'],
  ['/containers/c1/json', 'State', 'Dead Error ExitCode FinishedAt OOMKilled Paused Pid Restarting Running StartedAt Status'],
  ['/containers/c1/json', 'HostConfig', 'AutoRemove Binds BlkioDeviceReadBps BlkioDeviceReadIOps BlkioDeviceWriteBps BlkioDeviceWriteIOps BlkioWeight BlkioWeightDevice CapAdd CapDrop Cgroup CgroupParent CgroupnsMode ConsoleSize ContainerIDFile CpuCount CpuPercent CpuPeriod CpuQuota CpuRealtimePeriod CpuRealtimeRuntime CpuShares CpusetCpus CpusetMems DeviceCgroupRules DeviceRequests Devices Dns DnsOptions DnsSearch ExtraHosts GroupAdd IOMaximumBandwidth IOMaximumIOps IpcMode Isolation Links LogConfig MaskedPaths Memory MemoryReservation MemorySwap MemorySwappiness NanoCpus NetworkMode OomKillDisable OomScoreAdj PidMode PidsLimit PortBindings Privileged PublishAllPorts ReadonlyPaths ReadonlyRootfs RestartPolicy Runtime SecurityOpt ShmSize UTSMode Ulimits UsernsMode VolumeDriver VolumesFrom'],
  ['/containers/c1/json', 'Config', 'AttachStderr AttachStdin AttachStdout Cmd Domainname Entrypoint Env Hostname Image Labels OnBuild OpenStdin StdinOnce Tty User Volumes WorkingDir'],
  ['/containers/c1/json', 'NetworkSettings', 'Bridge EndpointID Gateway GlobalIPv6Address GlobalIPv6PrefixLen HairpinMode IPAddress IPPrefixLen IPv6Gateway LinkLocalIPv6Address LinkLocalIPv6PrefixLen MacAddress Networks Ports SandboxID SandboxKey SecondaryIPAddresses SecondaryIPv6Addresses'],
  ['/containers/c1/stats?stream=false', '', 'blkio_stats cpu_stats id memory_stats name num_procs pids_stats precpu_stats preread read storage_stats'],
  ['/containers/c1/stats?stream=false', 'cpu_stats', 'cpu_usage online_cpus system_cpu_usage throttling_data'],
  ['/containers/c1/stats?stream=false', 'memory_stats', 'limit max_usage stats usage'],
  ['/containers/c1/stats?stream=false', 'blkio_stats', 'io_merged_recursive io_queue_recursive io_service_bytes_recursive io_service_time_recursive io_serviced_recursive io_time_recursive io_wait_time_recursive sectors_recursive'],
  ['/containers/c1/stats?stream=false', 'pids_stats', 'current'],
  ['/containers/c1/top', '', 'Processes Titles'],
  ['/containers/json', '', 'Command Created HostConfig Id Image ImageID Labels Mounts Names NetworkSettings Ports State Status'],
  ['/images/json', '', 'Containers Created Id Labels ParentId RepoDigests RepoTags SharedSize Size'],
  ['/images/busybox/json', '', 'Architecture Author Comment Config Created DockerVersion GraphDriver Id Metadata Os Parent RepoDigests RepoTags RootFS Size'],
  ['/info', '', 'Architecture BridgeNfIp6tables BridgeNfIptables CPUSet CPUShares CgroupDriver CgroupVersion ContainerdCommit Containers ContainersPaused ContainersRunning ContainersStopped CpuCfsPeriod CpuCfsQuota Debug DefaultRuntime DockerRootDir Driver DriverStatus ExperimentalBuild GenericResources HttpProxy HttpsProxy ID IPv4Forwarding Images IndexServerAddress InitBinary InitCommit Isolation KernelVersion Labels LiveRestoreEnabled LoggingDriver MemTotal MemoryLimit NCPU NEventsListener NFd NGoroutines Name NoProxy OSType OSVersion OomKillDisable OperatingSystem PidsLimit Plugins RegistryConfig RuncCommit Runtimes SecurityOptions ServerVersion SwapLimit Swarm SystemTime Warnings'],
  ['/networks', '', 'Attachable ConfigFrom ConfigOnly Containers Created Driver EnableIPv6 IPAM Id Ingress Internal Labels Name Options Scope'],
  ['/networks/host', '', 'Attachable ConfigFrom ConfigOnly Containers Created Driver EnableIPv6 IPAM Id Ingress Internal Labels Name Options Scope'],
  ['/system/df', '', 'BuildCache Containers Images LayersSize Volumes'],
  ['/version', '', 'ApiVersion Arch BuildTime Components GitCommit GoVersion KernelVersion MinAPIVersion Os Platform Version'],
  ['/volumes', '', 'Volumes Warnings'],
];

let fixture: DockerFixture;
beforeAll(async () => {
  fixture = await dockerFixture();
  await fixture.ok('tag', fixture.image, 'busybox:latest');
  await fixture.ok('run', '-d', '--name', 'c1', '-p', '127.0.0.1::80', '-v', 'vol:/v', 'busybox', 'sleep', '600');
});
afterAll(() => fixture?.close());

const part = (body: unknown, name: string): Record<string, unknown> => {
  const whole = (Array.isArray(body) ? (body[0] as unknown) : body) as Record<string, unknown>;
  return name === '' ? whole : (whole[name] as Record<string, unknown>);
};

describe('answers have the keys dockerd has', () => {
  test.each(KEYS)('%s %s', async (path, name, keys) => {
    const { status, body } = await fixture.engine.request('GET', `/v1.41${path}`);
    expect(status).toBe(200);
    const has = new Set(Object.keys(part(body, name)));
    expect(keys.split(' ').filter((key) => !has.has(key))).toEqual([]);
  });

  test('what was not asked for is null where dockerd has null, and empty where it is empty', async () => {
    const inspected = (await fixture.engine.request('GET', '/containers/c1/json')).body;
    expect(part(inspected, 'HostConfig')).toMatchObject({
      CapAdd: null,
      Links: null,
      ExtraHosts: null,
      GroupAdd: null,
      VolumesFrom: null,
      SecurityOpt: null,
    });
    expect(inspected).toMatchObject({ ExecIDs: null, Args: ['600'] });
    for (const path of [
      '/containers/json?filters=%7B%22name%22%3A%5B%22none%22%5D%7D',
      '/images/json?filters=%7B%22reference%22%3A%5B%22none%22%5D%7D',
    ])
      expect((await fixture.engine.request('GET', path)).body).toEqual([]);
  });

  test(
    'the exit of a container whose conmon was killed is recorded, and nothing is left',
    { timeout: 60_000 },
    async () => {
      await fixture.ok('run', '-d', '--name', 'orphan', '--restart', 'no', 'busybox', 'sleep', '600');
      const { Pid, Id } = JSON.parse(
        await fixture.ok('inspect', '-f', '{"Pid":{{.State.Pid}},"Id":"{{.Id}}"}', 'orphan'),
      ) as { Pid: number; Id: string };
      const parent = /^PPid:\s+(\d+)$/m.exec(await readFile(`/proc/${Pid}/status`, 'utf8'))?.[1];
      process.kill(Number(parent), 'SIGKILL');
      process.kill(Pid, 'SIGKILL');
      await expect
        .poll(() => fixture.ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}}', 'orphan'), {
          timeout: 30_000,
        })
        .toBe('exited 255 0');
      // what is in the trash goes a moment later
      await eventually(
        async () => (await readdir(fixture.engine.runDir, { recursive: true })).filter((path) => path.includes(Id)),
        (left) => left.length === 0,
        'no file of it',
      );
      expect(await readFile(`/proc/${fixture.engine.pid}/mountinfo`, 'utf8')).not.toContain(Id);
      await fixture.ok('start', 'orphan');
      await fixture.ok('rm', '-f', 'orphan');
    },
  );
});
