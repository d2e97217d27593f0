import { existsSync } from 'node:fs';
import { invalid } from '../../api/errors.ts';
import type { HostConfig } from '../../api/container.ts';
import type { NamespaceChoices } from '../types.ts';
import { hasOwnNetwork } from './modes.ts';

/** Kernel parameters that belong to an IPC namespace (namespaces(7)). */
const IPC_PARAMETERS: ReadonlySet<string> = new Set(
  'kernel.msgmax kernel.msgmnb kernel.msgmni kernel.sem kernel.shmall kernel.shmmax kernel.shmmni kernel.shm_rmid_forced'.split(
    ' ',
  ),
);

const isIpc = (name: string) => IPC_PARAMETERS.has(name) || name.startsWith('fs.mqueue.');
const dotted = (name: string) => (name.includes('.') ? name : name.replaceAll('/', '.'));

/** Only what belongs to a namespace of the container's own may be set. Throws invalid-parameter. */
export function checkSysctls(host: HostConfig): void {
  for (const given of Object.keys(host.Sysctls ?? {})) {
    const name = dotted(given);
    if (name.startsWith('net.')) {
      if (host.NetworkMode === 'host')
        throw invalid(`sysctl ${JSON.stringify(given)} not allowed in host network namespace`);
    } else if (isIpc(name)) {
      if (host.IpcMode === 'host')
        throw invalid(`sysctl ${JSON.stringify(given)} is not allowed in the hosts ipc namespace`);
    } else if (name === 'kernel.domainname') {
      if (host.UTSMode === 'host')
        throw invalid(`sysctl ${JSON.stringify(given)} is not allowed in the hosts uts namespace`);
    } else {
      throw invalid(`sysctl ${JSON.stringify(given)} is not in a separate kernel namespace`);
    }
    if (/(^|\.|\/)\.\.?(\.|\/|$)/.test(given) || /[\0\n]/.test(given))
      throw invalid(`sysctl ${JSON.stringify(given)} is not in a separate kernel namespace`);
  }
}

/** Docker's defaults for a network of the container's own, then the user's. */
export function sysctlsOf(host: HostConfig, namespaces: NamespaceChoices): Record<string, string> {
  const out: Record<string, string> = {};
  if (namespaces.net.kind !== 'host' && hasOwnNetwork(host.NetworkMode)) {
    // In a user namespace of its own the group range cannot name unmapped groups.
    if (namespaces.user.kind === 'host' && existsSync('/proc/sys/net/ipv4/ping_group_range'))
      out['net.ipv4.ping_group_range'] = '0 2147483647';
    if (existsSync('/proc/sys/net/ipv4/ip_unprivileged_port_start')) out['net.ipv4.ip_unprivileged_port_start'] = '0';
  }
  for (const [name, value] of Object.entries(host.Sysctls ?? {})) out[dotted(name)] = value;
  return out;
}
