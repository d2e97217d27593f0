import type { MachineHost, MachineSettings, SharedFolder, StartMode } from '../../../electron/contract/machine.ts';

/** The settings as they are typed: numbers are text until they are saved. */
export interface SettingsForm {
  cpus: string;
  /** MiB */
  memory: string;
  /** GiB */
  disk: string;
  folders: SharedFolder[];
  start: StartMode;
  idleMinutes: string;
}

export const toForm = (settings: MachineSettings): SettingsForm => ({
  cpus: String(settings.cpus),
  memory: String(settings.memory),
  disk: String(settings.disk),
  folders: settings.folders.map((folder) => ({ ...folder })),
  start: settings.start,
  idleMinutes: String(settings.idleMinutes),
});

export type Problems = Partial<Record<keyof MachineSettings, string>>;

/** What differs from the settings that are kept, and what is wrong with it. A folder without a path is left out. */
export function readForm(
  form: SettingsForm,
  kept: MachineSettings,
  host: MachineHost | undefined,
): { change: Partial<MachineSettings>; problems: Problems } {
  const change: Partial<MachineSettings> = {};
  const problems: Problems = {};
  const number = (name: 'cpus' | 'memory' | 'disk' | 'idleMinutes', least: number, most: number, hint: string) => {
    const value = /^\d+$/.test(form[name].trim()) ? Number(form[name]) : Number.NaN;
    if (Number.isNaN(value) || value < least || value > most) problems[name] = hint;
    else if (value !== kept[name]) change[name] = value;
  };
  const cpus = host?.cpus ?? 1024;
  const memory = host?.memory ?? 2 ** 30;
  number('cpus', 1, cpus, `1 to ${cpus}: this computer has no more`);
  number('memory', 512, memory, `512 to ${memory} MiB: this computer has no more`);
  number('disk', kept.disk, 16_384, `${kept.disk} GiB or more: the disk only grows`);
  number('idleMinutes', 0, 10_080, 'Minutes, up to a week; 0 is never');
  const folders = form.folders
    .map(({ path, writable }) => ({ path: path.trim(), writable }))
    .filter(({ path }) => path !== '');
  if (folders.some(({ path }) => !/^(\/|~$|~\/|[A-Za-z]:[\\/])/.test(path)))
    problems.folders = 'Give whole paths: /…, or ~/… for the home directory';
  else if (JSON.stringify(folders) !== JSON.stringify(kept.folders)) change.folders = folders;
  if (form.start !== kept.start) change.start = form.start;
  return { change, problems };
}
