import { readFile } from 'node:fs/promises';
import type { IdMap, IdRange } from './id-map.ts';

/** Whose ranges are used where no user is named, best first. */
const OWNERS = ['berth', 'dockremap'];
const SIZE = 65_536;
/** Where nobody has set a range aside: what useradd would hand out first. */
const FALLBACK: IdRange = { host: 100_000, size: SIZE };

/** The first range in subuid(5) or subgid(5) text that one of `owners` (best first) has and that holds a whole set of ids. */
export function findRange(text: string, owners: readonly string[]): IdRange | undefined {
  const lines = text.split('\n').map((line) => line.trim().split(':'));
  for (const owner of owners)
    for (const [name, start = '', size = ''] of lines)
      if (name === owner && /^\d+$/.test(start) && /^\d+$/.test(size) && Number(size) >= SIZE && Number(start) > 0)
        return { host: Number(start), size: Number(size) };
  return undefined;
}

export interface IdFiles {
  passwd: string;
  group: string;
  subuid: string;
  subgid: string;
}

/**
 * The mapping for dockerd's `userns-remap`: '' or "default" takes the range of the user berth, else dockremap, else 100000 to 165535;
 * "user[:group]" (names or numbers) takes that user's and that group's, and throws where there is none.
 */
export function chooseMap(remap: string, files: IdFiles): IdMap {
  if (remap === '' || remap === 'default')
    return { uid: findRange(files.subuid, OWNERS) ?? FALLBACK, gid: findRange(files.subgid, OWNERS) ?? FALLBACK };
  const [user = '', group, ...rest] = remap.split(':');
  if (user === '' || group === '' || rest.length > 0)
    throw new Error(`invalid user/group specification in userns-remap: ${JSON.stringify(remap)}`);
  const userNames = known(files.passwd, user);
  if (userNames === undefined) throw new Error(`userns-remap: the user ${JSON.stringify(user)} does not exist`);
  const groupNames = group === undefined ? userNames : known(files.group, group);
  if (groupNames === undefined) throw new Error(`userns-remap: the group ${JSON.stringify(group)} does not exist`);
  const uid = findRange(files.subuid, userNames);
  if (!uid)
    throw new Error(
      `Can't create ID mappings: no subuid ranges found for user ${JSON.stringify(user)} (at least ${SIZE} ids in /etc/subuid)`,
    );
  const gid = findRange(files.subgid, groupNames);
  if (!gid)
    throw new Error(
      `Can't create ID mappings: no subgid ranges found for group ${JSON.stringify(group ?? user)} (at least ${SIZE} ids in /etc/subgid)`,
    );
  return { uid, gid };
}

/** Name and number of an entry in passwd(5) or group(5) that is asked for by either. */
function known(text: string, asked: string): string[] | undefined {
  const fields = text.split('\n').map((line) => line.split(':'));
  const found = fields.find(([name]) => name === asked) ?? fields.find(([, , id]) => id === asked);
  return found?.[0] && found[2] ? [found[0], found[2]] : undefined;
}

/** Reads the machine's files. A client's containers keep the mapping they were made with, whatever these say later. */
export async function readMap(remap: string): Promise<IdMap> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => '');
  const [passwd, group, subuid, subgid] = await Promise.all(
    ['/etc/passwd', '/etc/group', '/etc/subuid', '/etc/subgid'].map(read),
  );
  return chooseMap(remap, { passwd: passwd ?? '', group: group ?? '', subuid: subuid ?? '', subgid: subgid ?? '' });
}
