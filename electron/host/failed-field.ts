import type { RunRequest } from '../contract/run-request.ts';
import { splitWords } from '../contract/shell-words.ts';

/** Which part of the form an engine's refusal is about, told by its words (moby's and the runtimes'). The first that matches. */
const FIELDS: [RegExp, keyof RunRequest][] = [
  [/container name|is already in use by container/i, 'name'],
  [/no such image|invalid reference/i, 'image'],
  [
    /port is already allocated|address already in use|failed to bind host port|invalid (host ?)?port|port binding|cannot assign requested address/i,
    'ports',
  ],
  [/cannot mkdir|working directory|chdir to cwd/i, 'workingDir'],
  [/bind source path|mount(s)? |volume name|invalid mount|mount path|duplicate mount|error mounting/i, 'mounts'],
  [/unable to find (user|group)|no matching entries in (passwd|group)|no users found/i, 'user'],
  [/exec: |executable file not found|no command specified|permission denied: unknown/i, 'command'],
  [/memory/i, 'memory'],
  [/cpuset|requested cpus/i, 'cpuset'],
  [/nanocpus|range of cpus/i, 'cpus'],
  [/pids/i, 'pids'],
  [/network .* not found|network mode|joining network|container network/i, 'network'],
  [/capabilit/i, 'capAdd'],
  [/hostname/i, 'hostname'],
  [/restart policy|maximum retry count/i, 'restart'],
  [/environment variable/i, 'environment'],
];

/**
 * The field of the form that an engine's message is about: "memory", "ports.1.hostPort". undefined when its words do not tell. Of several
 * rows it is the one whose value the message quotes, else the first.
 */
export function failedField(message: string, request: RunRequest): string | undefined {
  const field = FIELDS.find(([pattern]) => pattern.test(message))?.[1];
  if (field === 'ports') return portField(message, request);
  if (field === 'mounts') return mountField(message, request);
  if (field === 'environment') return rowField('environment', 'name', message, request.environment);
  if (field === 'command' && startsWithEntrypoint(message, request)) return 'entrypoint';
  return field;
}

function portField(message: string, { ports }: RunRequest): string | undefined {
  if (ports.length === 0) return undefined;
  // of who has the port, the machine tells the pid, too
  const told = message.replace(/ by .* \(pid \d+\)$/, '');
  const port = (text: string) => new RegExp(`[:\\s]${text.trim()}(?!\\d)`).test(told);
  const row = Math.max(
    0,
    ports.findIndex(({ hostPort }) => hostPort.trim() !== '' && port(hostPort)),
  );
  return /cannot assign requested address/i.test(message) ? `ports.${row}.hostIp` : `ports.${row}.hostPort`;
}

function mountField(message: string, { mounts }: RunRequest): string | undefined {
  if (mounts.length === 0) return undefined;
  const quoted = (text: string) => text.trim() !== '' && message.includes(text.trim());
  const bySource = mounts.findIndex(({ source }) => quoted(source));
  if (bySource >= 0) return `mounts.${bySource}.source`;
  return `mounts.${Math.max(
    0,
    mounts.findIndex(({ target }) => quoted(target)),
  )}.target`;
}

function rowField<K extends string>(
  list: string,
  key: K,
  message: string,
  rows: readonly Record<K, string>[],
): string | undefined {
  if (rows.length === 0) return undefined;
  return `${list}.${Math.max(
    0,
    rows.findIndex((row) => row[key] !== '' && message.includes(row[key])),
  )}.${key}`;
}

function startsWithEntrypoint(message: string, { entrypoint }: RunRequest): boolean {
  const words = splitWords(entrypoint);
  const first = words.ok ? words.words[0] : undefined;
  return first !== undefined && message.includes(`"${first}"`);
}
