import { writeFileSync } from 'node:fs';
import type { EndpointSettings } from '../../api/container.ts';
import { invalid } from '../../api/errors.ts';
import type { AttachedNetwork, AttachmentRecord } from '../../networks/attachment-record.ts';
import { inNamespace } from '../../networks/netns.ts';
import { ENDPOINT, type NetworkRecord } from '../../networks/network-record.ts';
import type { Syscalls } from '../../system/syscalls.ts';
import { bridgeOptions } from './options.ts';

const namesOf = ({ request }: AttachedNetwork): string[] =>
  Object.values(request.networks).map((item) => item.interface_name);

/** Names of the interfaces a container has. */
export const interfacesOf = (record: Pick<AttachmentRecord, 'networks'>): string[] => record.networks.flatMap(namesOf);

/** The one asked for; else the network's prefix with the lowest free number, as Docker names them. */
export function interfaceFor(network: NetworkRecord, asked: EndpointSettings, taken: readonly string[]): string {
  const wanted = asked.DriverOpts?.[ENDPOINT.interfaceName];
  if (wanted) {
    if (!/^[^\s/.:][^\s/:]{0,14}$/.test(wanted) || taken.includes(wanted))
      throw invalid(`invalid interface name: ${wanted}`);
    return wanted;
  }
  const { interfacePrefix } = bridgeOptions(network.options, network.internal);
  for (let number = 0; ; number++)
    if (!taken.includes(`${interfacePrefix}${number}`)) return `${interfacePrefix}${number}`;
}

/** "net.ipv4.conf.IFNAME.forwarding=1,…" of the connection, set for its interface in the container's namespace. */
export function applyEndpointSysctls(sys: Syscalls, netns: string, entry: AttachedNetwork): void {
  const text = entry.endpoint.DriverOpts?.[ENDPOINT.sysctls];
  const [name = ''] = namesOf(entry);
  if (!text) return;
  for (const item of text.split(',')) {
    const [key = '', ...value] = item.split('=');
    const [, family = '', group = '', , ...rest] = key.split('.');
    const path = ['/proc/sys/net', family, group, name, ...rest].join('/');
    try {
      inNamespace(sys, netns, () => writeFileSync(path, value.join('=')));
    } catch (error) {
      throw invalid(`failed to set sysctl ${item} of ${name}: ${(error as Error).message}`, error);
    }
  }
}
