import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Attachment } from '../../networks/types.ts';
import * as small from '../../system/small-files.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainersContext } from './context.ts';

/** Files the engine writes and binds into a container. */
export interface NetworkFiles {
  hosts: string;
  hostname: string;
  resolvConf: string;
}

/** Those of the container, or of the one whose network it shares. */
export function networkFiles(ctx: Pick<ContainersContext, 'layout' | 'table'>, record: ContainerRecord): NetworkFiles {
  const owner = sharedNetworkOf(record);
  const directory = ctx.layout.container(owner === undefined ? record.id : ctx.table.get(owner).id);
  return {
    hosts: join(directory, 'hosts'),
    hostname: join(directory, 'hostname'),
    resolvConf: join(directory, 'resolv.conf'),
  };
}

/** The container whose network is shared (`--network container:X`). */
export function sharedNetworkOf(record: ContainerRecord): string | undefined {
  const mode = record.hostConfig.NetworkMode ?? '';
  return mode.startsWith('container:') ? mode.slice('container:'.length) : undefined;
}

/** Writes in place: a running container has these very files mounted. */
export async function writeNetworkFiles(
  files: NetworkFiles,
  hostname: string,
  attachment: Pick<Attachment, 'hosts' | 'hostsBefore' | 'dns'>,
): Promise<void> {
  await Promise.all([
    small.writeFile(files.hostname, `${hostname}\n`, { mode: 0o644 }),
    small.writeFile(files.hosts, hostsText(attachment.hosts, attachment.hostsBefore), { mode: 0o644 }),
    small.writeFile(files.resolvConf, resolvText(attachment.dns), { mode: 0o644 }),
  ]);
}

/**
 * A running container was connected or disconnected: only the lines that changed are touched, since what is in the container may
 * have written to these files; resolv.conf only while it is as the engine wrote it.
 */
export async function changeNetworkFiles(
  files: NetworkFiles,
  before: Pick<Attachment, 'hosts' | 'dns'>,
  after: Pick<Attachment, 'hosts' | 'dns'>,
): Promise<void> {
  const lines = (attachment: Pick<Attachment, 'hosts'>) => hostsText(attachment.hosts).split('\n');
  const gone = new Set(lines(before).filter((line) => line !== '' && !lines(after).includes(line)));
  const come = lines(after).filter((line) => line !== '' && !lines(before).includes(line));
  const kept = (await readFile(files.hosts, 'utf8')).split('\n').filter((line) => line !== '' && !gone.has(line));
  await writeFile(files.hosts, `${[...kept, ...come.filter((line) => !kept.includes(line))].join('\n')}\n`);
  if ((await readFile(files.resolvConf, 'utf8')) === resolvText(before.dns))
    await writeFile(files.resolvConf, resolvText(after.dns));
}

const LOCAL = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::\tip6-localnet',
  'ff00::\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
];

/** `before`: another beginning than the loopback's names, ended by a newline where anything follows. */
export function hostsText(entries: Attachment['hosts'], before = `${LOCAL.join('\n')}\n`): string {
  const lines = entries.map(({ address, names }) => `${address}\t${names.join(' ')}\n`);
  const gap = lines.length > 0 && before !== '' && !before.endsWith('\n') ? '\n' : '';
  return [before, gap, ...lines].join('');
}

export function resolvText({ servers, search, options }: Attachment['dns']): string {
  const lines = servers.map((server) => `nameserver ${server}`);
  if (search.length > 0) lines.push(`search ${search.join(' ')}`);
  if (options.length > 0) lines.push(`options ${options.join(' ')}`);
  return lines.length > 0 ? `${lines.join('\n')}\n` : '';
}
