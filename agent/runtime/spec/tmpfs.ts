import { invalid } from '../../api/errors.ts';
import type { MountRequest } from '../../api/container.ts';
import { cleanPath } from './check-config.ts';

/** Flags by the name that sets them, with the one that undoes it. */
const FLAGS: Readonly<Record<string, string>> = {
  ro: 'rw',
  rw: 'ro',
  exec: 'noexec',
  noexec: 'exec',
  suid: 'nosuid',
  nosuid: 'suid',
  dev: 'nodev',
  nodev: 'dev',
  sync: 'async',
  async: 'sync',
  atime: 'noatime',
  noatime: 'atime',
  diratime: 'nodiratime',
  nodiratime: 'diratime',
  relatime: 'norelatime',
  norelatime: 'relatime',
  strictatime: 'nostrictatime',
  nostrictatime: 'strictatime',
  dirsync: '',
  mand: 'nomand',
  nomand: 'mand',
  bind: '',
  rbind: '',
  unbindable: '',
  runbindable: '',
  private: '',
  rprivate: '',
  shared: '',
  rshared: '',
  slave: '',
  rslave: '',
  defaults: '',
  remount: '',
};
/** Options with values (tmpfs(5)). */
const VALUES: ReadonlySet<string> = new Set(['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks', 'mpol']);

const DEFAULTS = ['noexec', 'nosuid', 'nodev', 'rprivate'];

/** Throws invalid-parameter for a target or an option of `--tmpfs` that cannot be. */
export function checkTmpfsOptions(target: string, options: string): void {
  if (cleanPath(target) === '/') throw invalid("invalid specification: destination can't be '/'");
  if (!target.startsWith('/')) throw invalid(`invalid mount path: '${target}' mount path must be absolute`);
  mergeTmpfsOptions(options);
}

/** Docker's defaults with the user's after them; the later of two that exclude each other wins. */
export function mergeTmpfsOptions(options: string): string[] {
  const chosen: string[] = [];
  for (const option of [...DEFAULTS, ...options.split(',').filter(Boolean)]) {
    const name = option.split('=', 1)[0] as string;
    if (option.includes('=')) {
      if (!VALUES.has(name) || option.length === name.length + 1)
        throw invalid(`invalid tmpfs option ${JSON.stringify(option)}`);
    } else if (FLAGS[name] === undefined) {
      throw invalid(`invalid tmpfs option ${JSON.stringify(option)}`);
    }
    const rivals = [name, FLAGS[name]];
    const kept = chosen.filter((other) => !rivals.includes(other.split('=', 1)[0]));
    chosen.splice(0, chosen.length, ...kept, option);
  }
  return chosen.filter((option) => option !== 'defaults');
}

/** Options of `--mount type=tmpfs`, as text for `mergeTmpfsOptions`. Throws the bare message, without the mount's context. */
export function tmpfsRequestOptions(request: Pick<MountRequest, 'TmpfsOptions' | 'ReadOnly'>): string {
  const out: string[] = [];
  const options = request.TmpfsOptions;
  if (request.ReadOnly) out.push('ro');
  if (options?.Mode) out.push(`mode=${options.Mode.toString(8)}`);
  if (options?.SizeBytes) out.push(`size=${options.SizeBytes}`);
  for (const option of options?.Options ?? []) {
    if (option.length < 1 || option.length > 2) throw invalid('invalid option array length');
    if (!['exec', 'noexec'].includes(option[0] as string)) throw invalid(`invalid option: ${option[0]}`);
    out.push(option.join('='));
  }
  return out.join(',');
}
