import { isIP } from 'node:net';
import { invalid } from '../../api/errors.ts';
import type { HostConfig, RestartPolicy } from '../../api/container.ts';
import type { KernelFacts } from '../types.ts';
import { normalizeCapabilities } from './capabilities.ts';
import { checkDevices } from './device-rules.ts';
import { checkLogConfig } from './log-config.ts';
import { otherContainer } from './modes.ts';
import { isHostPort, parsePort } from './ports.ts';
import { checkUlimits } from './rlimits.ts';
import { checkSeccompProfile } from './seccomp-profile.ts';
import { parseSecurityOptions } from './security-opt.ts';
import { checkSysctls } from './sysctls.ts';
import { checkMapped } from './check-user-namespace.ts';
import { checkTmpfsOptions } from './tmpfs.ts';

/** Names of the runtimes a client may ask for; the second pair is what dockerd calls runc. */
const RUNTIMES: ReadonlySet<string> = new Set(['', 'crun', 'runc', 'io.containerd.runc.v2']);

/** Checks the part that depends on the host, but for limits and mounts. Throws invalid-parameter. */
export function checkHostConfig(host: HostConfig, facts: KernelFacts): string[] {
  const warnings: string[] = [];
  if (host.AutoRemove && host.RestartPolicy && !['', 'no'].includes(host.RestartPolicy.Name ?? ''))
    throw invalid("can't create 'AutoRemove' container with restart policy");
  checkExtraHosts(host.ExtraHosts);
  checkPortBindings(host);
  checkRestartPolicy(host.RestartPolicy);
  const everything = facts.capabilities;
  normalizeCapabilities(host.CapAdd ?? [], everything, 'CapAdd');
  // What is not there need not be dropped, so only the name must be known.
  normalizeCapabilities(host.CapDrop ?? [], ALL_NAMES, 'CapDrop');
  if (
    !['', 'default', 'process', 'hyperv'].includes((host.Isolation ?? '').toLowerCase()) ||
    /^(process|hyperv)$/i.test(host.Isolation ?? '')
  )
    throw invalid(`invalid isolation (${host.Isolation}): linux only supports 'default'`);
  if (Object.hasOwn(host.Annotations ?? {}, ''))
    throw invalid('invalid Annotations: the empty string is not permitted as an annotation key');
  checkNamespaceModes(host, facts);
  checkSecurity(host, facts);
  checkSysctls(host);
  checkUlimits(host.Ulimits);
  checkDevices(host);
  checkLogConfig(host.LogConfig);
  for (const [target, options] of Object.entries(host.Tmpfs ?? {})) checkTmpfsOptions(target, options);
  if ((host.ShmSize ?? 0) < 0) throw invalid('SHM size can not be less than 0');
  const score = host.OomScoreAdj ?? 0;
  if (score < -1000 || score > 1000) throw invalid(`Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  if (!RUNTIMES.has(host.Runtime ?? '')) throw invalid(`unknown or invalid runtime name: ${host.Runtime}`);
  checkStorage(host);
  if (host.NetworkMode === 'host' && Object.keys(host.PortBindings ?? {}).length > 0)
    warnings.push('Published ports are discarded when using host network mode');
  return warnings;
}

const ALL_NAMES: ReadonlySet<string> = { has: () => true } as unknown as ReadonlySet<string>;

function checkExtraHosts(hosts: readonly string[] | null | undefined): void {
  for (const entry of hosts ?? []) {
    // "name:address" or "name=address"; an IPv6 address has colons of its own
    const match = /^([^:=]+)[:=](.*)$/.exec(entry);
    if (!match) throw invalid(`bad format for add-host: ${JSON.stringify(entry)}`);
    const address = (match[2] as string).replace(/^\[(.*)\]$/, '$1');
    if (address !== 'host-gateway' && isIP(address) === 0)
      throw invalid(`invalid IP address in add-host: ${JSON.stringify(match[2])}`);
  }
}

function checkPortBindings(host: HostConfig): void {
  for (const [key, bindings] of Object.entries(host.PortBindings ?? {})) {
    // dockerd names the number alone, without its protocol, where that is the fault.
    if (!parsePort(key))
      throw invalid(
        `invalid port specification: ${JSON.stringify(parsePort(key.replace(/\/.*/, '')) ? key : key.replace(/\/.*/, ''))}`,
      );
    for (const binding of bindings ?? []) {
      if (!isHostPort(binding.HostPort ?? ''))
        throw invalid(`invalid port specification: ${JSON.stringify(binding.HostPort)}`);
      const address = binding.HostIp ?? '';
      if (address !== '' && isIP(address.replace(/^\[(.*)\]$/, '$1')) === 0)
        throw invalid(`invalid JSON: ParseAddr(${JSON.stringify(address)}): unable to parse IP`);
    }
  }
}

/** Throws invalid-parameter for a policy that dockerd refuses. */
export function checkRestartPolicy(policy: RestartPolicy | undefined): void {
  const count = policy?.MaximumRetryCount ?? 0;
  switch (policy?.Name) {
    case 'always':
    case 'unless-stopped':
    case 'no':
      if (count === 0) return;
      throw invalid(
        `invalid restart policy: maximum retry count can only be used with 'on-failure'${count < 0 ? ' and cannot be negative' : ''}`,
      );
    case 'on-failure':
      if (count < 0) throw invalid('invalid restart policy: maximum retry count cannot be negative');
      return;
    case '':
    case undefined:
      return;
    default:
      throw invalid(
        `invalid restart policy: unknown policy '${policy?.Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
      );
  }
}

function checkNamespaceModes(host: HostConfig, facts: KernelFacts): void {
  const ipc = host.IpcMode ?? '';
  if (!['', 'none', 'private', 'shareable', 'host'].includes(ipc) && otherContainer(ipc) === undefined)
    throw invalid(`invalid IPC mode: ${ipc}`);
  const pid = host.PidMode ?? '';
  if (pid !== '' && pid !== 'host' && !otherContainer(pid)) throw invalid(`invalid PID mode: ${pid}`);
  const uts = host.UTSMode ?? '';
  if (uts !== '' && uts !== 'host') throw invalid(`invalid UTS mode: ${uts}`);
  const cgroup = host.CgroupnsMode ?? '';
  if (!['', 'private', 'host'].includes(cgroup)) throw invalid(`invalid cgroup namespace mode: ${cgroup}`);
  const user = host.UsernsMode ?? '';
  if (!['', 'host', 'private'].includes(user)) throw invalid(`invalid userns mode: ${user}`);
  if (user === 'private') checkMapped(host, facts);
}

function checkSecurity(host: HostConfig, facts: KernelFacts): void {
  const options = parseSecurityOptions(host.SecurityOpt);
  if (!['', 'unconfined', 'builtin'].includes(options.seccomp)) {
    checkSeccompProfile(options.seccomp);
    if (!facts.seccomp) throw invalid('seccomp is not enabled in your kernel, cannot run a custom seccomp profile');
  }
  if (!['', 'unconfined'].includes(options.apparmor) && !facts.apparmor)
    throw invalid(`apparmor is not enabled in your kernel, cannot use the profile ${JSON.stringify(options.apparmor)}`);
  if (options.unmaskedPaths) {
    host.MaskedPaths = [];
    host.ReadonlyPaths = [];
  }
}

function checkStorage(host: HostConfig): void {
  const options = Object.keys(host.StorageOpt ?? {});
  if (options.includes('size'))
    throw invalid("--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
  if (options.length > 0) throw invalid(`Unknown option ${options[0]}`);
}
