/**
 * Requests as a Go program reads them: field names match without regard to case, unknown fields are dropped, and a value of
 * another type is refused with the words of `encoding/json`. Types are named as Go names them, since they stand in the message.
 */
export type Shape =
  | { kind: 'string' | 'bool' | 'float' | 'any' }
  | { kind: 'int'; go: string; min: number; max: number }
  | { kind: 'list'; of: Shape; go: string }
  /** a list of strings, or one string (Entrypoint, Cmd) */
  | { kind: 'words' }
  | { kind: 'map'; of: Shape; go: string }
  | ObjectShape;

export interface ObjectShape {
  kind: 'object';
  go: string;
  fields: Record<string, Shape>;
}

export const str: Shape = { kind: 'string' };
export const bool: Shape = { kind: 'bool' };
const any: Shape = { kind: 'any' };
const words: Shape = { kind: 'words' };
export const int64: Shape = { kind: 'int', go: 'int64', min: -(2 ** 63), max: 2 ** 63 };
const int: Shape = { kind: 'int', go: 'int', min: -(2 ** 63), max: 2 ** 63 };
const uint16: Shape = { kind: 'int', go: 'uint16', min: 0, max: 65_535 };
const uint32: Shape = { kind: 'int', go: 'uint32', min: 0, max: 2 ** 32 - 1 };
const uint64: Shape = { kind: 'int', go: 'uint64', min: 0, max: 2 ** 64 };
const uint: Shape = { kind: 'int', go: 'uint', min: 0, max: 2 ** 64 };
const list = (of: Shape, go: string): Shape => ({ kind: 'list', of, go });
const map = (of: Shape, go: string): Shape => ({ kind: 'map', of, go });
const object = (go: string, fields: Record<string, Shape>): ObjectShape => ({ kind: 'object', go, fields });
const strings = list(str, '[]string');
const stringMap = map(str, 'map[string]string');
const set = map(object('struct {}', {}), 'map[string]struct {}');

const throttle = list(object('blkiodev.ThrottleDevice', { Path: str, Rate: uint64 }), '[]*blkiodev.ThrottleDevice');

const RESOURCES: Record<string, Shape> = {
  CpuShares: int64,
  Memory: int64,
  NanoCpus: int64,
  CgroupParent: str,
  BlkioWeight: uint16,
  BlkioWeightDevice: list(object('blkiodev.WeightDevice', { Path: str, Weight: uint16 }), '[]*blkiodev.WeightDevice'),
  BlkioDeviceReadBps: throttle,
  BlkioDeviceWriteBps: throttle,
  BlkioDeviceReadIOps: throttle,
  BlkioDeviceWriteIOps: throttle,
  CpuPeriod: int64,
  CpuQuota: int64,
  CpuRealtimePeriod: int64,
  CpuRealtimeRuntime: int64,
  CpusetCpus: str,
  CpusetMems: str,
  Devices: list(
    object('container.DeviceMapping', { PathOnHost: str, PathInContainer: str, CgroupPermissions: str }),
    '[]container.DeviceMapping',
  ),
  DeviceCgroupRules: strings,
  DeviceRequests: list(
    object('container.DeviceRequest', {
      Driver: str,
      Count: int,
      DeviceIDs: strings,
      Capabilities: list(strings, '[][]string'),
      Options: stringMap,
    }),
    '[]container.DeviceRequest',
  ),
  KernelMemory: int64,
  KernelMemoryTCP: int64,
  MemoryReservation: int64,
  MemorySwap: int64,
  MemorySwappiness: int64,
  OomKillDisable: bool,
  PidsLimit: int64,
  Ulimits: list(object('units.Ulimit', { Name: str, Hard: int64, Soft: int64 }), '[]*units.Ulimit'),
  CpuCount: int64,
  CpuPercent: int64,
  IOMaximumIOps: uint64,
  IOMaximumBandwidth: uint64,
};

const RESTART_POLICY = object('container.RestartPolicy', { Name: str, MaximumRetryCount: int });

const MOUNT = object('mount.Mount', {
  Type: str,
  Source: str,
  Target: str,
  ReadOnly: bool,
  Consistency: str,
  BindOptions: object('mount.BindOptions', {
    Propagation: str,
    NonRecursive: bool,
    CreateMountpoint: bool,
    ReadOnlyNonRecursive: bool,
    ReadOnlyForceRecursive: bool,
  }),
  VolumeOptions: object('mount.VolumeOptions', {
    NoCopy: bool,
    Labels: stringMap,
    Subpath: str,
    DriverConfig: object('mount.Driver', { Name: str, Options: stringMap }),
  }),
  ImageOptions: object('mount.ImageOptions', { Subpath: str }),
  TmpfsOptions: object('mount.TmpfsOptions', { SizeBytes: int64, Mode: uint32, Options: list(strings, '[][]string') }),
});

export const HOST_CONFIG = object('container.HostConfig', {
  ...RESOURCES,
  Binds: strings,
  ContainerIDFile: str,
  LogConfig: object('container.LogConfig', { Type: str, Config: stringMap }),
  NetworkMode: str,
  PortBindings: map(
    list(object('network.PortBinding', { HostIp: str, HostPort: str }), '[]network.PortBinding'),
    'network.PortMap',
  ),
  RestartPolicy: RESTART_POLICY,
  AutoRemove: bool,
  VolumeDriver: str,
  VolumesFrom: strings,
  ConsoleSize: list(uint, '[2]uint'),
  Annotations: stringMap,
  Mounts: list(MOUNT, '[]mount.Mount'),
  CapAdd: words,
  CapDrop: words,
  CgroupnsMode: str,
  Dns: strings,
  DnsOptions: strings,
  DnsSearch: strings,
  ExtraHosts: strings,
  GroupAdd: strings,
  IpcMode: str,
  Cgroup: str,
  Links: strings,
  OomScoreAdj: int,
  PidMode: str,
  Privileged: bool,
  PublishAllPorts: bool,
  ReadonlyRootfs: bool,
  SecurityOpt: strings,
  StorageOpt: stringMap,
  Tmpfs: stringMap,
  UTSMode: str,
  UsernsMode: str,
  ShmSize: int64,
  Sysctls: stringMap,
  Runtime: str,
  Isolation: str,
  MaskedPaths: strings,
  ReadonlyPaths: strings,
  Init: bool,
});

const ENDPOINT = object('network.EndpointSettings', {
  IPAMConfig: object('network.EndpointIPAMConfig', { IPv4Address: str, IPv6Address: str, LinkLocalIPs: strings }),
  Links: strings,
  Aliases: strings,
  MacAddress: str,
  DriverOpts: stringMap,
  GwPriority: int,
  NetworkID: str,
  EndpointID: str,
  Gateway: str,
  IPAddress: str,
  IPPrefixLen: int,
  IPv6Gateway: str,
  GlobalIPv6Address: str,
  GlobalIPv6PrefixLen: int,
  DNSNames: strings,
});

const CONFIG: Record<string, Shape> = {
  Hostname: str,
  Domainname: str,
  User: str,
  AttachStdin: bool,
  AttachStdout: bool,
  AttachStderr: bool,
  ExposedPorts: map(object('struct {}', {}), 'network.PortSet'),
  Tty: bool,
  OpenStdin: bool,
  StdinOnce: bool,
  Env: strings,
  Cmd: words,
  Healthcheck: object('container.HealthConfig', {
    Test: strings,
    Interval: int64,
    Timeout: int64,
    StartPeriod: int64,
    StartInterval: int64,
    Retries: int,
  }),
  ArgsEscaped: bool,
  Image: str,
  Volumes: set,
  WorkingDir: str,
  Entrypoint: words,
  NetworkDisabled: bool,
  MacAddress: str,
  OnBuild: strings,
  Labels: stringMap,
  StopSignal: str,
  StopTimeout: int,
  Shell: words,
};

export const CONTAINER_CONFIG = object('container.Config', CONFIG);

export const CREATE_REQUEST = object('container.CreateRequest', {
  ...CONFIG,
  HostConfig: HOST_CONFIG,
  NetworkingConfig: object('network.NetworkingConfig', {
    EndpointsConfig: map(ENDPOINT, 'map[string]*network.EndpointSettings'),
  }),
});

export const UPDATE_REQUEST = object('container.UpdateConfig', { ...RESOURCES, RestartPolicy: RESTART_POLICY });
export const anyValue = any;

export const EXEC_CREATE = object('container.ExecOptions', {
  User: str,
  Privileged: bool,
  Tty: bool,
  ConsoleSize: list(uint, '[2]uint'),
  AttachStdin: bool,
  AttachStderr: bool,
  AttachStdout: bool,
  DetachKeys: str,
  Env: strings,
  WorkingDir: str,
  Cmd: words,
});
export const EXEC_START = object('container.ExecStartOptions', {
  Detach: bool,
  Tty: bool,
  ConsoleSize: list(uint, '[2]uint'),
});

export const NETWORK_CREATE = object('network.CreateRequest', {
  Name: str,
  CheckDuplicate: bool,
  Driver: str,
  Scope: str,
  EnableIPv4: bool,
  EnableIPv6: bool,
  IPAM: object('network.IPAM', {
    Driver: str,
    Options: stringMap,
    Config: list(
      object('network.IPAMConfig', { Subnet: str, IPRange: str, Gateway: str, AuxiliaryAddresses: stringMap }),
      '[]network.IPAMConfig',
    ),
  }),
  Internal: bool,
  Attachable: bool,
  Ingress: bool,
  ConfigOnly: bool,
  ConfigFrom: object('network.ConfigReference', { Network: str }),
  Options: stringMap,
  Labels: stringMap,
});
export const NETWORK_CONNECT = object('network.ConnectOptions', { Container: str, EndpointConfig: ENDPOINT });
export const NETWORK_DISCONNECT = object('network.DisconnectOptions', { Container: str, Force: bool });

export const VOLUME_CREATE = object('volume.CreateOptions', {
  Name: str,
  Driver: str,
  DriverOpts: stringMap,
  Labels: stringMap,
});

export const AUTH_CONFIG = object('registry.AuthConfig', {
  username: str,
  password: str,
  auth: str,
  email: str,
  serveraddress: str,
  identitytoken: str,
  registrytoken: str,
});
