import type { ContainerInspect, EndpointSettings, NetworkSettings } from '../../api/container.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainersContext } from './context.ts';
import type { Live } from './live.ts';
import { shownLinks } from './links.ts';
import { networkFiles } from './network-files.ts';
import { hasProcesses } from './state.ts';
import { measure } from './size.ts';

/** GET /containers/{id}/json */
export async function inspect(ctx: ContainersContext, live: Live, size: boolean): Promise<ContainerInspect> {
  const { record } = live;
  const files = networkFilesOf(ctx, record);
  const logged = record.hostConfig.LogConfig?.Type !== 'none';
  return {
    Id: record.id,
    Created: record.created,
    Path: record.path,
    Args: record.args,
    State: record.state,
    Image: record.imageId,
    ResolvConfPath: files.resolvConf,
    HostnamePath: files.hostname,
    HostsPath: files.hosts,
    LogPath: logged ? ctx.layout.containerLog(record.id) : '',
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: 'overlay2',
    Platform: record.platform,
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: live.execIds.size > 0 ? [...live.execIds] : null,
    HostConfig: { ...EMPTY_HOST, ...record.hostConfig, Links: shownLinks(ctx, record) },
    GraphDriver: { Name: 'overlay2', Data: graphData(ctx, record) },
    ...(size ? await measure(ctx, record.id, record.imageId) : {}),
    Mounts: record.mounts,
    Config: record.config,
    NetworkSettings: networkSettings(record),
  };
}

/** A container whose partner is gone still can be inspected. */
function networkFilesOf(ctx: ContainersContext, record: ContainerRecord) {
  try {
    return networkFiles(ctx, record);
  } catch {
    return { hosts: '', hostname: '', resolvConf: '' };
  }
}

function graphData(ctx: ContainersContext, record: ContainerRecord): Record<string, string> {
  const { upper, work, merged } = ctx.layout.overlay(record.id);
  const lower = ctx.images.byId(record.imageId)?.lowerdirs ?? [];
  return { LowerDir: lower.join(':'), MergedDir: merged, UpperDir: upper, WorkDir: work };
}

function networkSettings(record: ContainerRecord): NetworkSettings {
  const running = hasProcesses(record);
  const Networks: Record<string, EndpointSettings> = {};
  const mode = record.hostConfig.NetworkMode ?? '';
  const asked = mode === 'host' || mode === 'none' ? { [mode]: {} } : record.endpoints;
  for (const [name, endpoint] of Object.entries(asked)) Networks[name] = { ...EMPTY_ENDPOINT, ...endpoint };
  for (const [name, endpoint] of Object.entries(record.attached.networks))
    Networks[name] = { ...EMPTY_ENDPOINT, ...endpoint };
  const bridge = Networks['bridge'];
  return {
    Bridge: '',
    SandboxID: running && record.netns !== '' ? record.id : '',
    SandboxKey: running ? record.netns : '',
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    Ports: record.attached.ports,
    EndpointID: bridge?.EndpointID ?? '',
    Gateway: bridge?.Gateway ?? '',
    GlobalIPv6Address: bridge?.GlobalIPv6Address ?? '',
    GlobalIPv6PrefixLen: bridge?.GlobalIPv6PrefixLen ?? 0,
    IPAddress: bridge?.IPAddress ?? '',
    IPPrefixLen: bridge?.IPPrefixLen ?? 0,
    IPv6Gateway: bridge?.IPv6Gateway ?? '',
    MacAddress: bridge?.MacAddress ?? '',
    Networks,
  };
}

const EMPTY_ENDPOINT: EndpointSettings = {
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  MacAddress: '',
  DriverOpts: null,
  GwPriority: 0,
  NetworkID: '',
  EndpointID: '',
  Gateway: '',
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  DNSNames: null,
};

/** What was not asked for is null on the wire, not absent: clients of typed languages count on the keys. */
const EMPTY_HOST = Object.fromEntries(
  [
    'Binds',
    'VolumesFrom',
    'CapAdd',
    'CapDrop',
    'Dns',
    'DnsOptions',
    'DnsSearch',
    'ExtraHosts',
    'GroupAdd',
    'Links',
    'SecurityOpt',
    'Devices',
    'DeviceCgroupRules',
    'DeviceRequests',
    'MemorySwappiness',
    'OomKillDisable',
    'PidsLimit',
    'Ulimits',
    'BlkioWeightDevice',
    'BlkioDeviceReadBps',
    'BlkioDeviceWriteBps',
    'BlkioDeviceReadIOps',
    'BlkioDeviceWriteIOps',
  ].map((name) => [name, null]),
);
