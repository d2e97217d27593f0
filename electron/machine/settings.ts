import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, homedir, totalmem } from 'node:os';
import { isAbsolute, join, normalize } from 'node:path';
import { START_MODES, type MachineSettings, type SharedFolder } from '../contract/machine.ts';
import type { MachinePaths } from './paths.ts';
import { MachineError } from './types.ts';

const MIB = 2 ** 20;
/** The guest alone takes less than 200 MiB; with less than this, images cannot be unpacked. */
const LEAST_MEMORY = 512;

/** At most half of this host: 2 processors and 2 GiB where it has them. Only what the guest uses is taken. */
export const defaultSettings = (): MachineSettings => ({
  cpus: Math.max(1, Math.min(4, availableParallelism())),
  memory: Math.max(LEAST_MEMORY, Math.min(2048, Math.floor(totalmem() / MIB / 2))),
  disk: 64,
  folders: [{ path: '~', writable: true }],
  start: 'manual',
  idleMinutes: 0,
});

/** Those that were chosen over the defaults. What cannot be read is as if it were not there. */
export function readSettings(paths: MachinePaths): MachineSettings {
  try {
    return { ...defaultSettings(), ...(JSON.parse(readFileSync(paths.settings, 'utf8')) as Partial<MachineSettings>) };
  } catch {
    return defaultSettings();
  }
}

/** Keeps the change; throws a MachineError, and keeps nothing, when it is none that a machine can have. */
export function writeSettings(paths: MachinePaths, change: Partial<MachineSettings>): MachineSettings {
  const before = readSettings(paths);
  const settings = { ...before, ...change };
  checkSettings(settings, diskThere(paths));
  const temporary = `${paths.settings}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify(settings, undefined, 2), { mode: 0o600 });
  renameSync(temporary, paths.settings);
  return settings;
}

/** GiB of the disk that a machine has already; 0 before its first start. */
const diskThere = (paths: MachinePaths): number =>
  Math.round((statSync(paths.data, { throwIfNoEntry: false })?.size ?? 0) / 2 ** 30);

function checkSettings(settings: MachineSettings, least: number): void {
  const { cpus, memory, disk, folders, start, idleMinutes } = settings;
  const most = Math.floor(totalmem() / MIB);
  const whole = (value: number, least: number, greatest: number, what: string, hint: string) => {
    if (!Number.isInteger(value) || value < least || value > greatest)
      throw new MachineError(`the machine cannot have ${value} ${what}`, hint);
  };
  const processors = availableParallelism();
  whole(cpus, 1, processors, 'processors', `this host has ${processors}: choose 1 to ${processors}`);
  whole(memory, LEAST_MEMORY, most, 'MiB of memory', `choose ${LEAST_MEMORY} to ${most} MiB, which this host has`);
  whole(disk, 1, 16_384, 'GiB of disk', 'choose 1 to 16384 GiB');
  if (disk < least)
    throw new MachineError(
      `the disk has ${least} GiB and cannot shrink to ${disk}`,
      'what is not used takes no room on this host; to begin anew: berth machine reset',
    );
  whole(idleMinutes, 0, 10_080, 'minutes until it stops', 'choose 0 (never) to 10080');
  if (!START_MODES.includes(start))
    throw new MachineError(`there is no start mode '${start}'`, `choose one of ${START_MODES.join(', ')}`);
  for (const { path } of folders) checkFolder(path);
}

/** Folders that the guest needs itself: another over them would take its programs away. */
const OF_THE_GUEST = [
  '/',
  '/bin',
  '/boot',
  '/dev',
  '/etc',
  '/lib',
  '/lib64',
  '/proc',
  '/run',
  '/sbin',
  '/sys',
  '/usr',
  '/var/lib/berth',
  '/var/tmp',
];

function checkFolder(given: string): void {
  const path = expandFolder(given);
  if (!isAbsolute(path)) throw new MachineError(`the folder ${given} is not absolute`, 'give its whole path, or ~/…');
  const inside = (folder: string) => path === folder || (folder !== '/' && path.startsWith(`${folder}/`));
  if (OF_THE_GUEST.some(inside) || ['/tmp', '/var', '/opt'].includes(path))
    throw new MachineError(`the folder ${path} cannot be shared: the guest has its own`, 'share a folder elsewhere');
}

export const expandFolder = (path: string): string =>
  normalize(path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path).replace(/(?<=.)\/+$/, '');

/** The folders as they are mounted: whole paths, each once, none inside another of the same kind. */
export function effectiveFolders(folders: readonly SharedFolder[]): SharedFolder[] {
  const whole = folders.map(({ path, writable }) => ({ path: expandFolder(path), writable }));
  return whole.filter(
    (folder, index) =>
      !whole.some(
        (other, at) =>
          at !== index &&
          ((folder.path === other.path && at < index) ||
            (folder.path.startsWith(`${other.path}/`) && folder.writable === other.writable)),
      ),
  );
}
