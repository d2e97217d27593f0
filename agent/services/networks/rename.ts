import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAttachment, type AttachedNetwork } from '../../networks/attachment-record.ts';
import { kernelName, namesDirectory, type NetworkState } from './state.ts';

/** A connected container has another name: its networks show it, and their name servers answer to it and no more to the old one. */
export async function renameAttached(state: NetworkState, id: string, name: string): Promise<void> {
  const record = state.attachments.get(id);
  if (!record || record.name === name) return;
  const old = record.name;
  record.name = name;
  for (const entry of record.networks) renameEntry(entry, old, name);
  await writeAttachment(state.attachmentDirectory, record);
  // netavark rewrites these files too, while a container comes or goes.
  await state.queue.alone(async () => {
    let changed = false;
    for (const entry of record.networks)
      if (entry.endpoint.DNSNames) changed = (await renameInNames(state, entry, id, name)) || changed;
    if (changed) await reloadNames(state);
  });
}

function renameEntry({ endpoint, request }: AttachedNetwork, old: string, name: string): void {
  request.container_name = name;
  if (endpoint.DNSNames)
    endpoint.DNSNames = [...new Set(endpoint.DNSNames.map((known) => (known === old ? name : known)))];
}

/** A line of aardvark-dns for each container: "id ipv4 ipv6 names", the names with commas between. */
async function renameInNames(state: NetworkState, entry: AttachedNetwork, id: string, name: string): Promise<boolean> {
  const network = state.networks.get(entry.networkId);
  if (!network) return false;
  const path = join(namesDirectory(state.options.layout), 'aardvark-dns', kernelName(network));
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return false;
  const lines = text.split('\n').map((line) => {
    const fields = line.split(' ');
    if (fields[0] !== id) return line;
    fields[3] = [...new Set([name, ...(entry.endpoint.DNSNames ?? [])])].join(',');
    return fields.join(' ');
  });
  // Not beside it: aardvark-dns takes every file there for a network.
  const fresh = join(namesDirectory(state.options.layout), `${kernelName(network)}.tmp`);
  await writeFile(fresh, lines.join('\n'));
  await rename(fresh, path);
  return true;
}

/** SIGHUP has it read its files anew (aardvark-dns(8)). */
async function reloadNames(state: NetworkState): Promise<void> {
  const text = await readFile(join(namesDirectory(state.options.layout), 'aardvark-dns', 'aardvark.pid'), 'utf8').catch(
    () => '',
  );
  const pid = Number(text.trim());
  if (!Number.isInteger(pid) || pid <= 1) return;
  const program = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  if (program.trim() === 'aardvark-dns') process.kill(pid, 'SIGHUP');
}
