import { writeAttachment, type AttachedNetwork } from '../../networks/attachment-record.ts';
import type { NetworkState } from './state.ts';

/** A connected container has another name: its networks show it, and answer to it and no more to the old one. */
export async function renameAttached(state: NetworkState, id: string, name: string): Promise<void> {
  const record = state.attachments.get(id);
  if (!record || record.name === name) return;
  const old = record.name;
  record.name = name;
  for (const entry of record.networks) renameEntry(entry, old, name);
  state.names.changed();
  await writeAttachment(state.attachmentDirectory, record);
}

function renameEntry({ endpoint, request }: AttachedNetwork, old: string, name: string): void {
  request.container_name = name;
  if (endpoint.DNSNames)
    endpoint.DNSNames = [...new Set(endpoint.DNSNames.map((known) => (known === old ? name : known)))];
}
