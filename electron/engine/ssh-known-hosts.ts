import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SshError } from './ssh-error.ts';

const DEFAULT_PORT = 22;

export interface KnownHost {
  /** "@revoked", "@cert-authority" or '' */
  marker: string;
  /** the names as written, or one hashed */
  names: string;
  type: string;
  key: string;
}

/** The name of a host as it stands in known_hosts. */
export interface KnownName {
  host: string;
  port: number;
}

export async function readKnownHosts(files: readonly string[]): Promise<KnownHost[]> {
  const texts = await Promise.all(files.map((path) => readFile(path, 'utf8').catch(() => '')));
  return parseKnownHosts(texts.join('\n'));
}

/** sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". */
export function parseKnownHosts(text: string): KnownHost[] {
  const hosts: KnownHost[] = [];
  for (const line of text.split('\n')) {
    const parts = line.trim().split(/\s+/);
    if (parts[0] === '' || parts[0]?.startsWith('#')) continue;
    const marker = parts[0]?.startsWith('@') ? (parts.shift() as string) : '';
    const [names, type, key] = parts;
    if (names && type && key) hosts.push({ marker, names, type, key });
  }
  return hosts;
}

const written = ({ host, port }: KnownName): string => (port === DEFAULT_PORT ? host : `[${host}]:${port}`);

/** Lines for this host; as ssh does, a line without the port is for all its ports, but for those that have lines of their own. */
function linesFor(known: readonly KnownHost[], name: KnownName): KnownHost[] {
  const exact = known.filter((host) => matchesName(host.names, written(name)));
  if (exact.some(({ marker }) => marker === '') || name.port === DEFAULT_PORT) return exact;
  return [...exact, ...known.filter((host) => matchesName(host.names, name.host))];
}

/** The key is of this type, and its text what known_hosts has. */
export function describeKey(key: Buffer): { type: string; text: string; print: string } {
  const print = createHash('sha256').update(key).digest('base64').replace(/=+$/, '');
  return {
    type: key.toString('latin1', 4, 4 + key.readUInt32BE(0)),
    text: key.toString('base64'),
    print: `SHA256:${print}`,
  };
}

export type KeyVerdict = { trust: true } | { trust: false; unknown: boolean; why: SshError };

/** Whether the key that a host shows is the known one, and why it is not to be trusted. */
export function checkHostKey(known: readonly KnownHost[], name: KnownName, key: Buffer): KeyVerdict {
  const shown = written(name);
  const { type, text, print } = describeKey(key);
  const refuse = (message: string, hint: string, unknown = false): KeyVerdict => ({
    trust: false,
    unknown,
    why: new SshError(`${message} (${type} ${print})`, hint),
  });
  const here = linesFor(known, name);
  if (known.some((host) => host.marker === '@revoked' && host.key === text && here.includes(host)))
    return refuse(
      `the key of ${shown} is revoked: somebody else may have it`,
      `ask who runs ${name.host} for its new key, and put that into known_hosts`,
    );
  const plain = here.filter((host) => host.marker === '');
  if (plain.some((host) => host.key === text)) return { trust: true };
  if (plain.some((host) => host.type === type))
    return refuse(
      `the key of ${shown} is not the one that is known: this may be another machine that says it is ${name.host}`,
      `if the machine was installed anew, forget the old key with ssh-keygen -R '${shown}', and connect once with ssh`,
    );
  const ssh = name.port === DEFAULT_PORT ? `ssh ${name.host}` : `ssh -p ${name.port} ${name.host}`;
  if (here.some((host) => host.marker === '@cert-authority'))
    return refuse(
      `known_hosts names an authority for ${shown}, whose certificates Berth does not check`,
      `add the key itself: ssh-keyscan -p ${name.port} ${name.host} >>~/.ssh/known_hosts, after comparing its fingerprint`,
    );
  return refuse(`the key of ${shown} is not known`, `compare the fingerprint by connecting once: ${ssh}`, true);
}

/** Types of the keys that are known for a host: it is to show one of these. */
export function knownTypes(known: readonly KnownHost[], name: KnownName): string[] {
  return linesFor(known, name).flatMap(({ marker, type }) => (marker === '' ? [type] : []));
}

/** Keeps a key that was accepted, as `StrictHostKeyChecking accept-new` asks for. */
export async function learnHostKey(file: string, name: KnownName, key: Buffer): Promise<void> {
  const { type, text } = describeKey(key);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await appendFile(file, `${written(name)} ${type} ${text}\n`, { mode: 0o600 });
}

function matchesName(names: string, name: string): boolean {
  if (names.startsWith('|1|')) {
    const [, , salt = '', hash = ''] = names.split('|');
    const made = createHmac('sha1', Buffer.from(salt, 'base64')).update(name.toLowerCase()).digest();
    const stored = Buffer.from(hash, 'base64');
    return made.length === stored.length && timingSafeEqual(made, stored);
  }
  return matchesPatterns(names.split(','), name);
}

/** ssh_config(5), "PATTERNS": `*`, `?`, and `!` for those that are not meant. */
export function matchesPatterns(patterns: readonly string[], name: string): boolean {
  let matched = false;
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!');
    const source = (negated ? pattern.slice(1) : pattern)
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/\?/g, '.');
    if (!new RegExp(`^${source}$`, 'i').test(name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}
