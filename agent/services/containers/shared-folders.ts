import { existsSync, readFileSync } from 'node:fs';
import { invalid } from '../../api/errors.ts';
import type { HostConfig, MountPoint } from '../../api/container.ts';
import { cleanPath } from '../../runtime/spec/check-config.ts';

/** Where users keep files of their own. What the guest itself has there is nobody's aim. */
const OF_THE_HOST = ['/Users', '/Volumes', '/home', '/media', '/mnt', '/opt', '/private', '/root', '/srv'];
/** The guest's own, gone with it or kept by it: made when it is missing. The last is where tools look for their engine's data. */
const OF_THE_GUEST = ['/dev', '/proc', '/run', '/sys', '/var/run', '/var/lib/docker'];
/** The guest's own, even where a shared folder lies below. */
const WHOLE = ['/', '/tmp', '/var'];

const within = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);

/**
 * Whether this path means a folder of the user's computer that the guest, in which this engine runs, does not have. As with Docker Desktop,
 * what is not shared and not the guest's is refused: it would be an empty folder of the guest, gone when that stops.
 */
export function isUnshared(source: string, folders: readonly string[], exists: (path: string) => boolean): boolean {
  if (folders.some((folder) => within(source, folder)) || OF_THE_GUEST.some((own) => within(source, own))) return false;
  if (WHOLE.includes(source)) return false;
  if (OF_THE_HOST.some((place) => within(source, place))) return true;
  // that it is there may only come from a shared folder below it
  return folders.some((folder) => within(folder, source)) || !exists(source);
}

const WINDOWS = /^[A-Za-z]:[\\/]/;

/**
 * Throws invalid-parameter for a bind of a folder that is not shared. `list` is the file that names those which are, a line each ("rw PATH", "9p-ro PATH"); '': this
 * engine runs on the user's own computer.
 */
export function checkShared(list: string, { Binds, Mounts }: HostConfig): void {
  if (list === '') return;
  const sources = [
    ...(Binds ?? []).map((bind) =>
      WINDOWS.test(bind) ? bind.slice(0, 2) + (bind.slice(2).split(':')[0] ?? '') : bind.split(':')[0],
    ),
    ...(Mounts ?? []).flatMap(({ Type, Source }) => (Type === 'bind' ? [Source] : [])),
  ].map((source) => source ?? '');
  const folders = readList(list);
  const paths = folders.map(({ path }) => path);
  for (const source of sources) {
    if (WINDOWS.test(source)) throw invalid(denied(source, folders));
    if (source.startsWith('/') && isUnshared(cleanPath(source), paths, existsSync))
      throw invalid(denied(cleanPath(source), folders));
  }
}

interface Folder {
  path: string;
  writable: boolean;
  /** by 9p, else by virtiofs */
  ninep: boolean;
}

function readList(file: string): Folder[] {
  try {
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => {
      const mode = line.slice(0, line.indexOf(' '));
      return { path: line.slice(mode.length + 1), writable: mode.endsWith('rw'), ninep: mode.startsWith('9p') };
    });
  } catch {
    return [];
  }
}

/** What of these is in a folder that is here by 9p. */
export function sharedBy9p(list: string, mounts: readonly Pick<MountPoint, 'Type' | 'Source'>[]): string[] {
  const folders = list === '' ? [] : readList(list).filter(({ ninep }) => ninep);
  const sources = mounts.filter(({ Type }) => Type === 'bind').map(({ Source }) => Source);
  return sources.filter((source) => folders.some(({ path }) => within(source, path)));
}

const word = (text: string) => (/^[\w./~:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

function denied(source: string, folders: readonly Folder[]): string {
  const what = `Mounts denied: the path ${source} is not shared with the machine that runs the containers`;
  const have =
    folders.length === 0
      ? 'no folder of this computer is'
      : `shared are: ${folders.map(({ path }) => path).join(', ')}`;
  if (WINDOWS.test(source))
    return `${what}: folders of Windows cannot be. To do: use a volume, and copy files with docker cp`;
  const all = [...folders.map(({ path, writable }) => `${path}${writable ? '' : ':ro'}`), source];
  const command = all.map((folder) => `--folder ${word(folder)}`).join(' ');
  return (
    `${what} (${have}). To do: share it, or a folder above it, under Machine, Settings, Shared folders, ` +
    `or: berth machine set ${command} && berth machine restart`
  );
}
