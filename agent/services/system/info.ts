import { existsSync, readFileSync, readdirSync, statfsSync } from 'node:fs';
import { BERTH_VERSION } from '../../api/version.ts';
import { systemClock } from '../../system/clock.ts';
import { countContainers } from './count-containers.ts';
import type { Machine, SystemParts } from './create.ts';
import { unameArchitecture } from './version.ts';

/** Log drivers whose output the engine keeps (under one format) or drops. */
const LOG_DRIVERS = ['json-file', 'local', 'none'];

/** GET /info */
export async function buildInfo(parts: SystemParts, machine: Machine): Promise<Record<string, unknown>> {
  const { config, facts, cgroups } = parts;
  const counts = countContainers(parts.containers.all());
  const images = await parts.images.list({ all: true, filters: new Map(), sharedSize: false });
  const controls = controllerFacts(cgroups.version, cgroups.controllers);
  return {
    ID: machine.id,
    Containers: counts.all,
    ContainersRunning: counts.running,
    ContainersPaused: counts.paused,
    ContainersStopped: counts.stopped,
    Images: images.length,
    Driver: 'overlay2',
    DriverStatus: driverStatus(config.root),
    Plugins: { Volume: ['local'], Network: ['bridge', 'host', 'null'], Authorization: null, Log: LOG_DRIVERS },
    ...controls,
    SwapLimit: facts.swapLimit,
    IPv4Forwarding: flagFile('/proc/sys/net/ipv4/ip_forward'),
    BridgeNfIptables: flagFile('/proc/sys/net/bridge/bridge-nf-call-iptables'),
    BridgeNfIp6tables: flagFile('/proc/sys/net/bridge/bridge-nf-call-ip6tables'),
    Debug: config.debug,
    NFd: readdirSync('/proc/self/fd').length,
    NGoroutines: readdirSync('/proc/self/task').length,
    SystemTime: systemClock.timestamp(),
    LoggingDriver: config.logDriver,
    CgroupDriver: 'cgroupfs',
    CgroupVersion: String(cgroups.version),
    NEventsListener: parts.listeners?.() ?? 0,
    KernelVersion: facts.kernelVersion,
    OperatingSystem: machine.operatingSystem,
    OSVersion: machine.osVersion,
    OSType: 'linux',
    Architecture: unameArchitecture(),
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: registryConfig(config.insecureRegistries, config.registryMirrors),
    NCPU: facts.cpus,
    MemTotal: facts.memory,
    GenericResources: null,
    DockerRootDir: config.root,
    HttpProxy: maskCredentials(process.env['HTTP_PROXY'] ?? process.env['http_proxy'] ?? ''),
    HttpsProxy: maskCredentials(process.env['HTTPS_PROXY'] ?? process.env['https_proxy'] ?? ''),
    NoProxy: process.env['NO_PROXY'] ?? process.env['no_proxy'] ?? '',
    Name: machine.name,
    Labels: config.labels,
    ExperimentalBuild: false,
    ServerVersion: BERTH_VERSION,
    Runtimes: Object.fromEntries((parts.runtimes ?? [parts.runtime]).map(({ name, path }) => [name, { path }])),
    DefaultRuntime: parts.runtime.name,
    Swarm: {
      NodeID: '',
      NodeAddr: '',
      LocalNodeState: 'inactive',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    },
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: '',
    ContainerdCommit: { ID: '' },
    RuncCommit: { ID: parts.runtime.name === 'runc' ? parts.runtime.version : '' },
    InitCommit: { ID: '' },
    SecurityOptions: securityOptions(facts, cgroups.version, machine.rootless, config.usernsRemap !== ''),
    DefaultAddressPools: config.defaultAddressPools.map(({ base, size }) => ({ Base: base, Size: size })),
    CDISpecDirs: [],
    Warnings: [...warningsFor(controls, facts.swapLimit), ...(parts.warnings?.() ?? [])],
  };
}

type Controls = ReturnType<typeof controllerFacts>;

function controllerFacts(version: 1 | 2, controllers: ReadonlySet<string>) {
  const has = (name: string) => controllers.has(name);
  return {
    MemoryLimit: has('memory'),
    CpuCfsPeriod: has('cpu'),
    CpuCfsQuota: has('cpu'),
    CPUShares: has('cpu'),
    CPUSet: has('cpuset'),
    PidsLimit: has('pids'),
    // v2 has no way to keep the OOM killer off
    OomKillDisable: version === 1 && has('memory'),
  };
}

/** In dockerd's words: clients show them as they are. */
function warningsFor(controls: Controls, swapLimit: boolean): string[] {
  const warnings: string[] = [];
  if (!controls.MemoryLimit) warnings.push('WARNING: No memory limit support');
  if (!swapLimit) warnings.push('WARNING: No swap limit support');
  if (!controls.CPUShares)
    warnings.push(
      'WARNING: No cpu shares support',
      'WARNING: No cpu cfs quota support',
      'WARNING: No cpu cfs period support',
    );
  if (!controls.CPUSet) warnings.push('WARNING: No cpuset support');
  if (!controls.PidsLimit) warnings.push('WARNING: No pids limit support');
  if (!flagFile('/proc/sys/net/ipv4/ip_forward')) warnings.push('WARNING: IPv4 forwarding is disabled');
  return warnings;
}

function flagFile(path: string): boolean {
  try {
    return readFileSync(path, 'utf8').trim() === '1';
  } catch {
    return false;
  }
}

/** statfs(2) magic numbers of file systems an overlay's layers may lie on, by the name Docker gives them. */
const FILE_SYSTEMS: Record<number, string> = {
  0xef53: 'extfs',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs',
  0x794c7630: 'overlayfs',
  0x2fc12fc1: 'zfs',
  0xf2f52010: 'f2fs',
};

function driverStatus(root: string): [string, string][] {
  let backing = 'unknown';
  try {
    backing = FILE_SYSTEMS[statfsSync(root).type] ?? 'unknown';
  } catch {
    // the root is made at start; before that there is nothing to tell
  }
  return [
    ['Backing Filesystem', backing],
    ['Supports d_type', 'true'],
    ['Native Overlay Diff', 'true'],
    ['userxattr', 'false'],
  ];
}

function registryConfig(insecure: string[], mirrors: string[]) {
  const cidrs = insecure.filter((entry) => /^[0-9a-fA-F.:]+\/\d+$/.test(entry));
  const hosts = insecure.filter((entry) => !cidrs.includes(entry));
  const indexes: Record<string, { Name: string; Mirrors: string[]; Secure: boolean; Official: boolean }> = {
    'docker.io': { Name: 'docker.io', Mirrors: mirrors, Secure: true, Official: true },
  };
  for (const host of hosts) indexes[host] = { Name: host, Mirrors: [], Secure: false, Official: false };
  return {
    InsecureRegistryCIDRs: [...new Set([...cidrs, '::1/128', '127.0.0.0/8'])],
    IndexConfigs: indexes,
    Mirrors: mirrors,
  };
}

function securityOptions(facts: SystemParts['facts'], version: 1 | 2, rootless: boolean, remapped: boolean): string[] {
  return [
    ...(facts.apparmor ? ['name=apparmor'] : []),
    ...(facts.seccomp ? ['name=seccomp,profile=builtin'] : []),
    ...(remapped ? ['name=userns'] : []),
    ...(rootless ? ['name=rootless'] : []),
    ...(version === 2 || existsSync('/proc/self/ns/cgroup') ? ['name=cgroupns'] : []),
  ];
}

const maskCredentials = (url: string) => url.replace(/\/\/[^@/]*@/, '//xxxxx:xxxxx@');
