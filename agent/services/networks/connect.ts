import { EngineError, invalid, notFound } from '../../api/errors.ts';
import type { EndpointSettings } from '../../api/container.ts';
import { writeAttachment } from '../../networks/attachment-record.ts';
import type { NetworkRecord } from '../../networks/network-record.ts';
import { setup } from './attach.ts';
import { checkEndpoint } from './check.ts';
import { undoNetwork } from './detach.ts';
import { planEndpoint, releaseEndpoint } from './plan-endpoint.ts';
import { ensureReady } from './ready.ts';
import type { NetworkState } from './state.ts';

/** Connects a container: at once when it runs; else at its next start. */
export async function connect(state: NetworkState, reference: string, container: string, endpoint: EndpointSettings): Promise<void> {
  const network = state.get(reference);
  const user = userOf(state, container);
  if (network.driver === 'host') throw invalid('cannot connect container to host network - container must be created in host network mode');
  checkEndpoint(state, network, endpoint);
  const record = state.attachments.get(user.id);
  if (!user.running) {
    await state.options.users.endpointChanged(user.id, network.name, endpoint);
    return;
  }
  if (!record) throw invalid('container sharing network namespace with another container or host cannot be connected to any other network');
  if (network.driver !== 'bridge') throw invalid('container cannot be connected to multiple networks with one of the networks in private (none) mode');
  if (record.networks.some((entry) => entry.networkId === network.id))
    throw new EngineError('forbidden', `endpoint with name ${user.name} already exists in network ${network.name}`);
  await ensureReady(state, network);
  const subject = { id: user.id, name: user.name, hostname: record.hostname };
  const number = nextInterface(record.networks.flatMap(({ request }) => Object.values(request.networks).map((item) => item.interface_name)));
  const entry = planEndpoint(state, network, endpoint, subject, { interface: `eth${number}`, metric: 100 + number, dns: state.options.config.dns });
  record.networks.push(entry);
  try {
    await writeAttachment(state.attachmentDirectory, record);
    await setup(state, record.netns, entry);
  } catch (error) {
    await undoNetwork(state, record, entry).catch(() => undefined);
    await forget(state, user.id, network);
    throw error;
  }
  state.emit('connect', network, { container: user.id });
  await state.options.users.endpointChanged(user.id, network.name, entry.endpoint);
}

export async function disconnect(state: NetworkState, reference: string, container: string, force: boolean): Promise<void> {
  const network = state.get(reference);
  const user = state.options.users.find(container);
  if (!user && !force) throw notFound(`No such container: ${container}`);
  if (network.driver === 'host') throw invalid('container cannot be disconnected from host network - container was created in host network mode');
  const id = user?.id ?? [...state.attachments.values()].find((item) => item.id === container || item.name === container)?.id;
  const record = id === undefined ? undefined : state.attachments.get(id);
  const entry = record?.networks.find((item) => item.networkId === network.id);
  if (user && !user.running) {
    await state.options.users.endpointChanged(user.id, network.name, undefined);
    return;
  }
  if (!record || !entry) throw new EngineError('forbidden', `container ${id ?? container} is not connected to network ${network.name}`);
  await undoNetwork(state, record, entry);
  const published = entry.request.port_mappings !== undefined;
  await forget(state, record.id, network);
  if (published || record.networks.length === 0) {
    state.ports.release(record.id);
    record.published = [];
    record.ports = Object.fromEntries(Object.keys(record.ports).map((key) => [key, null]));
    await writeAttachment(state.attachmentDirectory, record);
  }
  state.emit('disconnect', network, { container: record.id });
  if (user) await state.options.users.endpointChanged(user.id, network.name, undefined);
}

function userOf(state: NetworkState, reference: string) {
  const user = state.options.users.find(reference);
  if (!user) throw notFound(`No such container: ${reference}`);
  return user;
}

async function forget(state: NetworkState, id: string, network: NetworkRecord): Promise<void> {
  const record = state.attachments.get(id);
  const entry = record?.networks.find((item) => item.networkId === network.id);
  if (!record || !entry) return;
  record.networks = record.networks.filter((item) => item !== entry);
  releaseEndpoint(state, entry);
  await writeAttachment(state.attachmentDirectory, record);
}

/** The lowest free number, as Docker names them. */
function nextInterface(names: readonly string[]): number {
  for (let number = 0; ; number++) if (!names.includes(`eth${number}`)) return number;
}
