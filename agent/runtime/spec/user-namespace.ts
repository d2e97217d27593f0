import { readFile } from 'node:fs/promises';
import type { OciIdMapping } from '../oci.ts';

/** Whose ranges are used, best first. */
const OWNERS = ['berth', 'dockremap', 'root', '0'];
const SIZE = 65_536;
/** Where nobody has set a range aside: below what useradd hands out from 100000 on, with room for each. */
const FALLBACK = 100_000;

/** The range of `owner` in subuid(5) or subgid(5) text that holds a whole set of ids. */
export function findRange(text: string): number {
  const lines = text.split('\n').map((line) => line.split(':'));
  for (const owner of OWNERS)
    for (const [name, start, size] of lines) if (name === owner && Number(size) >= SIZE && /^\d+$/.test(start ?? '')) return Number(start);
  return FALLBACK;
}

/** Ids 0 to 65535 of the container as a range of the host's. */
export async function idMappings(): Promise<{ uid: OciIdMapping[]; gid: OciIdMapping[] }> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => '');
  const mapping = (text: string) => [{ containerID: 0, hostID: findRange(text), size: SIZE }];
  return { uid: mapping(await read('/etc/subuid')), gid: mapping(await read('/etc/subgid')) };
}
