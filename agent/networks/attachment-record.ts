import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EndpointSettings, PortMap } from '../api/container.ts';
import { mkdir, readFile, rename, rm, writeFile } from '../system/small-files.ts';
import type { NetavarkRequest } from './netavark.ts';
import type { PublishedPort } from './ports.ts';

/** A container's connection to one network, with all that undoing it needs. */
export interface AttachedNetwork {
  networkId: string;
  /** by the name it was asked for */
  name: string;
  endpoint: EndpointSettings;
  /** what netavark was given; the same undoes it */
  request: NetavarkRequest;
}

/**
 * What a running container holds of the networks. Kept in the run directory: it describes the kernel's state, and is void after a
 * reboot (`boot`). Written before anything is done, so a killed engine finds all it may have left.
 */
export interface AttachmentRecord {
  readonly id: string;
  name: string;
  readonly boot: string;
  readonly netns: string;
  readonly hostname: string;
  networks: AttachedNetwork[];
  published: PublishedPort[];
  ports: PortMap;
}

/** Not fsynced: a power cut takes with it what the record is about. The rename keeps it whole when only the engine dies. */
export async function writeAttachment(directory: string, record: AttachmentRecord): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `${record.id}.json`);
  try {
    await writeFile(`${path}.tmp`, JSON.stringify(record), { mode: 0o600 });
    await rename(`${path}.tmp`, path);
  } catch (error) {
    await rm(`${path}.tmp`, { force: true });
    throw error;
  }
}

export async function removeAttachment(directory: string, id: string): Promise<void> {
  await rm(join(directory, `${id}.json`), { force: true });
}

/**
 * Those of this boot. What is of an earlier one is dropped: the kernel has nothing of it any more. `unreadable` sees to what says nothing.
 */
export async function readAttachments(
  directory: string,
  boot: string,
  unreadable: (path: string, why: string) => Promise<void>,
): Promise<AttachmentRecord[]> {
  const names = await readdir(directory).catch(() => [] as string[]);
  const records: AttachmentRecord[] = [];
  for (const name of names) {
    const path = join(directory, name);
    if (!name.endsWith('.json')) {
      await rm(path, { force: true, recursive: true });
      continue;
    }
    try {
      const record = JSON.parse(await readFile(path, 'utf8')) as AttachmentRecord;
      if (!Array.isArray(record.networks) || typeof record.boot !== 'string')
        throw new Error('its content is not as expected');
      if (record.boot === boot) records.push(record);
      else await rm(path, { force: true });
    } catch (error) {
      await unreadable(path, error instanceof Error ? error.message : String(error));
    }
  }
  return records;
}

export async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}
