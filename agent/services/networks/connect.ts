import { EngineError, invalid, notFound, systemError } from '../../api/errors.ts';
import type { EndpointSettings } from '../../api/container.ts';
import { writeAttachment, type AttachedNetwork, type AttachmentRecord } from '../../networks/attachment-record.ts';
import type { NetworkRecord } from '../../networks/network-record.ts';
import type { Attachment } from '../../networks/types.ts';
import { describe, setup } from './attach.ts';
import { checkEndpoint } from './check.ts';
import { undoNetwork } from './detach.ts';
import { interfaceFor, interfacesOf } from './interfaces.ts';
import { planEndpoint, releaseEndpoint } from './plan-endpoint.ts';
import { ensureReady } from './ready.ts';
import type { NetworkState } from './state.ts';

/** Connects a container: at once when it runs; else at its next start. */
export async function connect(
  state: NetworkState,
  reference: string,
  container: string,
  endpoint: EndpointSettings,
): Promise<void> {
  const network = state.get(reference);
  const user = userOf(state, container);
  if (network.driver === 'host')
    throw invalid('cannot connect container to host network - container must be created in host network mode');
  checkEndpoint(state, network, endpoint);
  const record = state.attachments.get(user.id);
  if (!user.running) {
    await state.options.users.endpointChanged(user.id, network.name, endpoint);
    return;
  }
  if (!record)
    throw invalid(
      'container sharing network namespace with another container or host cannot be connected to any other network',
    );
  if (network.driver !== 'bridge')
    throw invalid('container cannot be connected to multiple networks with one of the networks in private (none) mode');
  if (record.networks.some((entry) => entry.networkId === network.id))
    throw new EngineError('forbidden', `endpoint with name ${user.name} already exists in network ${network.name}`);
  await ensureReady(state, network);
  const subject = { id: user.id, name: user.name, hostname: record.hostname };
  const { Dns } = state.options.users.subject?.(user.id).hostConfig ?? {};
  const entry = planEndpoint(state, network, endpoint, subject, {
    interface: interfaceFor(network, endpoint, interfacesOf(record)),
    metric: freeMetric(record),
    dns: Dns?.length ? Dns : state.options.config.dns,
  });
  const before = await filesOf(state, user.id, record);
  record.networks.push(entry);
  try {
    await writeAttachment(state.attachmentDirectory, record);
    await setup(state, record.netns, entry);
    await state.options.users.endpointChanged(user.id, network.name, entry.endpoint);
  } catch (error) {
    await undoNetwork(state, record, entry).catch(() => undefined);
    await forget(state, user.id, network);
    throw error;
  }
  state.names.changed();
  state.emit('connect', network, { container: user.id });
  await writeFiles(state, user.id, record, before);
}

export async function disconnect(
  state: NetworkState,
  reference: string,
  container: string,
  force: boolean,
): Promise<void> {
  const network = state.get(reference);
  const user = state.options.users.find(container);
  if (!user && !force) throw notFound(`No such container: ${container}`);
  if (network.driver === 'host')
    throw invalid('container cannot be disconnected from host network - container was created in host network mode');
  const id =
    user?.id ?? [...state.attachments.values()].find((item) => item.id === container || item.name === container)?.id;
  const record = id === undefined ? undefined : state.attachments.get(id);
  const entry = record?.networks.find((item) => item.networkId === network.id);
  if (user && !user.running) {
    if (state.options.users.wants?.(user.id, network.name) === false)
      throw systemError(`container ${user.id} is not connected to the network ${network.name}`);
    await state.options.users.endpointChanged(user.id, network.name, undefined);
    return;
  }
  // One that failed half-way, or that could not be written down, is brought to its end.
  if (user && !entry && state.options.users.attachedTo?.(user.id).includes(network.name))
    return state.options.users.endpointChanged(user.id, network.name, undefined);
  if (!record || !entry) throw systemError(`container ${id ?? container} is not connected to network ${network.name}`);
  const before = user && (await filesOf(state, user.id, record));
  await undoNetwork(state, record, entry);
  const published = entry.request.port_mappings !== undefined;
  await forget(state, record.id, network);
  if (published || record.networks.length === 0) {
    state.ports.release(record.id);
    record.published = [];
    record.ports = Object.fromEntries(Object.keys(record.ports).map((key) => [key, null]));
    await writeAttachment(state.attachmentDirectory, record);
  }
  state.names.changed();
  state.emit('disconnect', network, { container: record.id });
  if (!user) return;
  await state.options.users.endpointChanged(user.id, network.name, undefined);
  await writeFiles(state, user.id, record, before);
}

type Files = Pick<Attachment, 'hosts' | 'dns'>;

/** What the container's /etc/hosts and resolv.conf come from, as it is connected now. */
async function filesOf(state: NetworkState, id: string, record: AttachmentRecord): Promise<Files | undefined> {
  const subject = state.options.users.subject?.(id);
  return subject && describe(state, record, subject);
}

/** The connection stands whether or not its lines could be written: a container's files may be gone. */
async function writeFiles(
  state: NetworkState,
  id: string,
  record: AttachmentRecord,
  before: Files | undefined,
): Promise<void> {
  const after = await filesOf(state, id, record);
  if (!before || !after) return;
  await state.options.users
    .filesChanged?.(id, before, after)
    .catch((error: unknown) => state.options.log.error(`/etc/hosts of container ${id}`, error));
}

function userOf(state: NetworkState, reference: string) {
  const user = state.options.users.find(reference);
  if (!user) throw notFound(`No such container: ${reference}`);
  return user;
}

async function forget(state: NetworkState, id: string, network: NetworkRecord): Promise<void> {
  const record = state.attachments.get(id);
  const entry = record?.networks.find((item) => item.networkId === network.id);
  if (record && entry) await forgetEntry(state, record, entry);
}

export async function forgetEntry(
  state: NetworkState,
  record: AttachmentRecord,
  entry: AttachedNetwork,
): Promise<void> {
  record.networks = record.networks.filter((item) => item !== entry);
  releaseEndpoint(state, entry);
  await writeAttachment(state.attachmentDirectory, record);
}

/** Later connected networks lead out only where none before does. */
function freeMetric(record: AttachmentRecord): number {
  const taken = record.networks.flatMap(({ request }) =>
    Object.values(request.network_info).map(({ options }) => Number(options['metric'] ?? 0)),
  );
  return Math.max(99, ...taken) + 1;
}
