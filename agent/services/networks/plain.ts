import type { AttachedNetwork, AttachmentRecord } from '../../networks/attachment-record.ts';
import { isPlainVeth, type VethRequest } from '../../networks/veth.ts';

/** Options of a request that a plain pair of interfaces honours. */
const HONOURED = new Set(['metric', 'mtu']);

/**
 * A connection that has nothing of its own but a pair of interfaces: no published port, no name to be served. Where the rules that its
 * network's containers share are there, netavark is not needed for it. Undefined for any other.
 */
export function plainConnection({ request }: Pick<AttachedNetwork, 'request'>): VethRequest | undefined {
  const [[key, own] = [], ...others] = Object.entries(request.networks);
  const network = key === undefined ? undefined : request.network_info[key];
  if (!own || !network || others.length > 0) return undefined;
  if ((request.port_mappings?.length ?? 0) > 0 || network.dns_enabled) return undefined;
  if (Object.keys(network.options).some((name) => !HONOURED.has(name))) return undefined;
  const plain = { network, interface: own };
  return isPlainVeth(plain) ? plain : undefined;
}

/** The interface to take away where that is all there is to undo for a container. */
export function onlyInterface(record: AttachmentRecord): string | undefined {
  const [entry, ...others] = record.networks;
  return entry && others.length === 0 && record.published.length === 0
    ? plainConnection(entry)?.interface.interface_name
    : undefined;
}
