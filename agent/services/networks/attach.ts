import { EngineError, systemError } from '../../api/errors.ts';
import type { EndpointSettings } from '../../api/container.ts';
import {
  removeAttachment,
  writeAttachment,
  type AttachedNetwork,
  type AttachmentRecord,
} from '../../networks/attachment-record.ts';
import { enableHairpin } from '../../networks/hairpin.ts';
import { addLinkLocal } from '../../networks/link-local.ts';
import type { NetavarkPort } from '../../networks/netavark.ts';
import { hasNames, type NetworkRecord } from '../../networks/network-record.ts';
import { portMap, portWishes, type PortWish, type PublishedPort } from '../../networks/ports.ts';
import type { Attachment, NetworkSubject } from '../../networks/types.ts';
import { connectVeth } from '../../networks/veth.ts';
import { plainConnection } from './plain.ts';
import { applyEndpointSysctls, interfaceFor, interfacesOf } from './interfaces.ts';
import { bridgeOptions } from './options.ts';
import { planEndpoint, releaseEndpoint } from './plan-endpoint.ts';
import { hostsOf, resolverOf } from './names.ts';
import { ensureReady } from './ready.ts';
import { undoNetwork } from './detach.ts';
import type { NetworkState } from './state.ts';

/** Docker's order: the priority asked for, networks that lead out, then the name. The first has the default route and the ports. */
export function inOrder(wanted: readonly { network: NetworkRecord; asked: EndpointSettings }[]) {
  return [...wanted].sort(
    (a, b) =>
      (b.asked.GwPriority ?? 0) - (a.asked.GwPriority ?? 0) ||
      Number(a.network.internal) - Number(b.network.internal) ||
      (a.network.name < b.network.name ? -1 : 1),
  );
}

export async function attach(state: NetworkState, netns: string, subject: NetworkSubject): Promise<Attachment> {
  await state.leaving.get(subject.id);
  if (state.attachments.has(subject.id)) throw new Error(`container ${subject.id} is attached already`);
  const asked = Object.entries(subject.endpoints).map(([name, settings]) => ({
    network: state.get(name),
    asked: settings,
  }));
  const wanted = inOrder(asked.filter(({ network }) => network.driver === 'bridge'));
  const record: AttachmentRecord = {
    id: subject.id,
    name: subject.name,
    boot: state.boot,
    netns,
    hostname: subject.hostname,
    networks: [],
    published: [],
    ports: {},
  };
  const dns = subject.hostConfig.Dns?.length ? subject.hostConfig.Dns : state.options.config.dns;
  const done: AttachedNetwork[] = [];
  state.attachments.set(subject.id, record);
  try {
    for (const { network } of wanted) await ensureReady(state, network);
    for (const [index, { network, asked }] of wanted.entries()) {
      const name = interfaceFor(network, asked, interfacesOf(record));
      record.networks.push(planEndpoint(state, network, asked, subject, { interface: name, metric: 100 + index, dns }));
    }
    await publish(state, record, subject);
    await writeAttachment(state.attachmentDirectory, record);
    for (const entry of record.networks) {
      done.push(entry);
      await setup(state, netns, entry);
    }
  } catch (error) {
    for (const entry of done.reverse())
      await undoNetwork(state, record, entry).catch((failure: unknown) =>
        state.options.log.error('undo of a network', failure),
      );
    for (const entry of record.networks) releaseEndpoint(state, entry);
    state.ports.release(subject.id);
    state.attachments.delete(subject.id);
    await removeAttachment(state.attachmentDirectory, subject.id);
    state.names.changed();
    throw error;
  }
  state.names.changed();
  for (const entry of record.networks) state.emit('connect', state.get(entry.networkId), { container: subject.id });
  return describe(state, record, subject);
}

/** Connects the container to one network: by netavark, unless there is only a pair of interfaces to be made. */
export async function setup(state: NetworkState, netns: string, entry: AttachedNetwork): Promise<void> {
  const network = state.get(entry.networkId);
  const plain = plainConnection(entry);
  const run = async () => {
    if (plain && state.warm.has(network.id))
      return connectVeth(state.options.sys, netns, plain).catch((error: Error) => {
        throw systemError(`failed to connect to network ${network.name}: ${error.message}`, error);
      });
    await state.netavark.setup(netns, entry.request);
    if (!entry.request.port_mappings) return;
    for (const { interface_name: name } of Object.values(entry.request.networks))
      await enableHairpin(state.options.exec, network.bridge, netns, name);
  };
  // The first container of a network makes the rules that all share; so does the first after a restart.
  const shared = !state.warm.has(network.id);
  await (shared ? state.queue.alone(run) : state.queue.together(run));
  state.warm.add(network.id);
  if (hasNames(network)) await state.names.serve(network);
  applyEndpointSysctls(state.options.sys, netns, entry);
  const [name = ''] = interfacesOf({ networks: [entry] });
  await addLinkLocal(state.options.sys, netns, name, entry.endpoint.IPAMConfig?.LinkLocalIPs ?? []);
}

/** Holds the host ports and has the kernel lead them to the first network's address. */
async function publish(state: NetworkState, record: AttachmentRecord, subject: NetworkSubject): Promise<void> {
  const first = record.networks[0];
  const wishes = first ? wishesOn(state.get(first.networkId), subject) : [];
  if (first && wishes.length > 0) {
    const { IPAddress: v4 = '', GlobalIPv6Address: v6 = '', EndpointID } = first.endpoint;
    const addresses = { ...(v4 ? { v4 } : {}), ...(v6 ? { v6 } : {}) };
    try {
      record.published = await state.ports.publish(record, wishes, addresses);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      throw systemError(
        `driver failed programming external connectivity on endpoint ${subject.name} (${EndpointID}): ${error.message}`,
        error,
      );
    }
    const mappings = kernelPorts(record.published.map(state.ports.bound), addresses);
    if (mappings.length > 0) first.request.port_mappings = mappings;
  }
  record.ports = portMap(record.published, subject.exposedPorts);
}

/** Ports on a network without NAT are reached at the container's own address; those that name no address of the host get the network's. */
export function wishesOn(network: NetworkRecord, subject: NetworkSubject): PortWish[] {
  const { hostBinding, routed } = bridgeOptions(network.options, network.internal);
  if (network.internal || (routed.v4 && (routed.v6 || !network.enableIPv6))) return [];
  const wishes = portWishes(subject.portBindings, subject.exposedPorts, subject.publishAll);
  if (hostBinding === undefined || hostBinding === '0.0.0.0') return wishes;
  return wishes.map((wish) => (wish.hostIp === '' ? { ...wish, hostIp: hostBinding } : wish));
}

/**
 * What the kernel can forward. netavark says "every address of the host" with an empty one, for both families at once; [::1] cannot be
 * led elsewhere by the kernel. What is left out comes through the port's holder in the engine.
 */
export function kernelPorts(
  published: readonly PublishedPort[],
  { v4, v6 }: { v4?: string; v6?: string },
): NetavarkPort[] {
  const mappings: NetavarkPort[] = [];
  for (const { protocol, containerPort, hostIp, hostPort } of published) {
    const mapping = { host_port: hostPort, container_port: containerPort, protocol, range: 1 as const };
    if (hostIp === '0.0.0.0' && v4 && !v6) mappings.push({ host_ip: '', ...mapping });
    else if (hostIp.includes(':') ? v6 && hostIp !== '::' && hostIp !== '::1' : v4 && hostIp !== '0.0.0.0')
      mappings.push({ host_ip: hostIp, ...mapping });
  }
  return mappings;
}

export async function describe(
  state: NetworkState,
  record: AttachmentRecord,
  subject: NetworkSubject,
): Promise<Attachment> {
  return {
    networks: Object.fromEntries(record.networks.map(({ name, endpoint }) => [name, endpoint])),
    ports: record.ports,
    hosts: hostsOf(state, subject, record),
    dns: await resolverOf(state, subject, record),
  };
}
