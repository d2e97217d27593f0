import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { invalid } from '../../api/errors.ts';
import * as smallFiles from '../../system/small-files.ts';
import { resolveInRoot } from './root-path.ts';

export interface ContainerUser {
  uid: number;
  gid: number;
  /** supplementary, without `gid` */
  groups: number[];
  home: string;
}

interface Passwd {
  name: string;
  uid: number;
  gid: number;
  home: string;
}
interface Group {
  name: string;
  gid: number;
  members: string[];
}

const MAX_ID = 2 ** 31 - 1;

const fields = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));

/** passwd(5); lines that cannot be read are skipped. */
export function parsePasswd(text: string): Passwd[] {
  return fields(text)
    .map(([name = '', , uid = '', gid = '', , home = '']) => ({ name, uid: toId(uid), gid: toId(gid), home }))
    .filter((entry): entry is Passwd => entry.uid !== undefined && entry.gid !== undefined);
}

/** group(5) */
export function parseGroup(text: string): Group[] {
  return fields(text)
    .map(([name = '', , gid = '', members = '']) => ({
      name,
      gid: toId(gid),
      members: members.split(',').filter(Boolean),
    }))
    .filter((entry): entry is Group => entry.gid !== undefined);
}

function toId(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const id = Number(text);
  return id <= 2 ** 32 - 1 ? id : undefined;
}

/** A number given by the user, in the range Docker takes. */
function givenId(text: string): number | undefined {
  if (!/^-?\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (id < 0 || id > MAX_ID) throw invalid(`uids and gids must be in range 0-${MAX_ID}`);
  return id;
}

/**
 * Who "user[:group]" is by the container's own /etc/passwd and /etc/group (moby/sys/user, GetExecUser): names first, then numbers,
 * which need no entry. Supplementary groups come from /etc/group, unless a group was given. '' is root.
 * Throws invalid-parameter `unable to find user X: no matching entries in passwd file`.
 */
export function findUser(spec: string, passwd: readonly Passwd[], groups: readonly Group[]): ContainerUser {
  const at = spec.indexOf(':');
  const userPart = at < 0 ? spec : spec.slice(0, at);
  const groupPart = at < 0 ? '' : spec.slice(at + 1);
  const number = givenId(userPart);
  const entry =
    userPart === ''
      ? passwd.find((item) => item.uid === 0)
      : passwd.find((item) => item.name === userPart || item.uid === number);
  if (!entry && userPart !== '' && number === undefined)
    throw invalid(`unable to find user ${userPart}: no matching entries in passwd file`);
  const user: ContainerUser = {
    uid: entry?.uid ?? number ?? 0,
    gid: entry?.gid ?? 0,
    groups: [],
    home: entry?.home || '/',
  };
  if (groupPart !== '') user.gid = findGroup(groupPart, groups);
  else if (entry) user.groups = groups.filter((group) => group.members.includes(entry.name)).map((group) => group.gid);
  return user;
}

function findGroup(name: string, groups: readonly Group[]): number {
  const number = givenId(name);
  const found = groups.find((group) => group.name === name || group.gid === number)?.gid ?? number;
  if (found === undefined) throw invalid(`unable to find group ${name}: no matching entries in group file`);
  return found;
}

/** Larger than any real one. */
const MAX_FILE = 8 * 1024 * 1024;

/** '' for what is not there or not a file: the image, or a process in the container, may have put anything at this name. */
async function readInRoot(root: string, path: string): Promise<string> {
  const { path: host, exists } = await resolveInRoot(root, path, true, smallFiles);
  if (!exists) return '';
  let fd: number;
  try {
    // Neither waits for the other end of a FIFO nor follows a link that came meanwhile.
    fd = openSync(host, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return '';
  }
  try {
    const stats = fstatSync(fd);
    return stats.isFile() && stats.size <= MAX_FILE ? readFileSync(fd, 'utf8') : '';
  } finally {
    closeSync(fd);
  }
}

/** Looks up `spec` and the additional groups in the image mounted at `root`. */
export async function lookUpUser(
  root: string,
  spec: string,
  additional: readonly string[] = [],
): Promise<ContainerUser> {
  const [passwd, group] = await Promise.all([readInRoot(root, '/etc/passwd'), readInRoot(root, '/etc/group')]);
  const groups = parseGroup(group);
  const user = findUser(spec, parsePasswd(passwd), groups);
  const extra = additional.map((name) => findGroup(name, groups));
  return { ...user, groups: [...new Set([...user.groups, ...extra])] };
}
