import { existsSync } from 'node:fs';
import { removeAttachment, type AttachedNetwork, type AttachmentRecord } from '../../networks/attachment-record.ts';
import { dropNamespace, makeNamespace } from '../../networks/netns.ts';
import { disconnectVeth } from '../../networks/veth.ts';
import { onlyInterface, plainConnection } from './plain.ts';
import { releaseEndpoint } from './plan-endpoint.ts';
import type { NetworkState } from './state.ts';

/** Undoes all of a container's connections. What cannot be undone is logged: the container is gone either way. */
export async function detach(state: NetworkState, id: string): Promise<void> {
  await state.leaving.get(id);
  const record = state.attachments.get(id);
  if (!record) return;
  const only = onlyInterface(record);
  if (only !== undefined) return leave(state, record, only);
  for (const entry of [...record.networks].reverse()) {
    try {
      await undoNetwork(state, record, entry);
    } catch (error) {
      state.options.log.error(`disconnecting ${record.name} from network ${entry.name}`, error);
    }
  }
  for (const entry of record.networks) releaseEndpoint(state, entry);
  state.ports.release(id);
  state.attachments.delete(id);
  await removeAttachment(state.attachmentDirectory, id);
  tell(state, record);
}

function tell(state: NetworkState, record: AttachmentRecord): void {
  state.names.changed();
  for (const entry of record.networks) {
    const network = state.networks.get(entry.networkId);
    if (network) state.emit('disconnect', network, { container: record.id });
  }
}

/**
 * The kernel takes 20 to 40 ms to take an interface away: nobody has to wait for it. Until it is gone the address stays taken, and the
 * record stays on disk for the next engine to find.
 */
function leave(state: NetworkState, record: AttachmentRecord, name: string): void {
  const gone = (existsSync(record.netns) ? disconnectVeth(state.options.sys, record.netns, name) : Promise.resolve())
    .catch((error: unknown) => state.options.log.error(`disconnecting ${record.name}`, error))
    .then(async () => {
      for (const entry of record.networks) releaseEndpoint(state, entry);
      await removeAttachment(state.attachmentDirectory, record.id);
    })
    .catch((error: unknown) => state.options.log.error(`disconnecting ${record.name}`, error))
    .finally(() => state.leaving.delete(record.id));
  state.leaving.set(record.id, gone);
  state.attachments.delete(record.id);
  tell(state, record);
}

/** Takes back what netavark did for one network; also where the container's namespace is gone, and its interfaces with it. */
export async function undoNetwork(
  state: NetworkState,
  record: AttachmentRecord,
  entry: AttachedNetwork,
): Promise<void> {
  const plain = plainConnection(entry);
  if (plain) {
    // Where the namespace is gone, the kernel has taken the interface with it.
    if (existsSync(record.netns)) await disconnectVeth(state.options.sys, record.netns, plain.interface.interface_name);
    return;
  }
  const run = async () => {
    if (existsSync(record.netns)) return state.netavark.teardown(record.netns, entry.request);
    const { sys, layout } = state.options;
    const stand = `gone-${record.id}`;
    const path = makeNamespace(sys, layout.netns, stand);
    try {
      await state.netavark.teardown(path, entry.request);
    } finally {
      dropNamespace(sys, layout.netns, stand);
    }
  };
  await state.queue.together(run).catch((error: unknown) => {
    if (!isGone(error)) throw error;
  });
}

/** The interface or the name server's entry was not there: as wanted. netavark tells that, and does the rest. */
function isGone(error: unknown): boolean {
  const message = error instanceof Error ? error.message : '';
  return /No such device|ENODEV|No such file or directory|aardvark pid not found/.test(message);
}
