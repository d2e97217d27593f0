import type { AttachmentRecord } from '../../networks/attachment-record.ts';
import { parseBindings } from '../../networks/ports.ts';
import type { NetworkUsers } from '../../networks/types.ts';
import { inOrder, kernelPorts } from './attach.ts';
import { interfaceFor, interfacesOf } from './interfaces.ts';
import { planEndpoint } from './plan-endpoint.ts';
import type { NetworkState } from './state.ts';

/**
 * What a running container has of the networks, from what its own record says, where the file about it is lost: its addresses and ports
 * stay taken, and can be given back. Undefined when it has none.
 */
export function rebuildAttachment(
  state: NetworkState,
  id: string,
  told: NonNullable<ReturnType<NonNullable<NetworkUsers['attached']>>>,
): AttachmentRecord | undefined {
  const { name, hostname, netns, networks, ports } = told;
  const wanted = Object.entries(networks).flatMap(([reference, asked]) => {
    const network = state.find(reference);
    return network?.driver === 'bridge' ? [{ network, asked }] : [];
  });
  if (wanted.length === 0) return undefined;
  const record: AttachmentRecord = {
    ...{ id, name, boot: state.boot, netns, hostname, networks: [], ports },
    published: parseBindings(ports).map(({ protocol, containerPort, hostIp, first }) => ({
      protocol,
      containerPort,
      hostIp,
      hostPort: first,
    })),
  };
  for (const [index, { network, asked }] of inOrder(wanted).entries()) {
    const fixed = {
      ...(asked.IPAddress ? { IPv4Address: asked.IPAddress } : {}),
      ...(asked.GlobalIPv6Address ? { IPv6Address: asked.GlobalIPv6Address } : {}),
    };
    const entry = planEndpoint(state, network, { ...asked, IPAMConfig: { ...asked.IPAMConfig, ...fixed } }, told, {
      interface: interfaceFor(network, asked, interfacesOf(record)),
      metric: 100 + index,
    });
    entry.endpoint = asked;
    record.networks.push(entry);
  }
  const [first] = record.networks;
  const mappings = kernelPorts(record.published, {
    ...(first?.endpoint.IPAddress ? { v4: first.endpoint.IPAddress } : {}),
    ...(first?.endpoint.GlobalIPv6Address ? { v6: first.endpoint.GlobalIPv6Address } : {}),
  });
  if (first && mappings.length > 0) first.request.port_mappings = mappings;
  return record;
}
