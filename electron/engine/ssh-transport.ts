import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { openStreamLocal } from './ssh-stream.ts';
import type { Transport } from './transport.ts';

export interface SshTarget {
  user: string;
  host: string;
  port: number;
  /** the engine's socket on the far side */
  path: string;
  /** the address, for people */
  address: string;
}

const CONNECT_TIMEOUT = 15_000;
const KEEPALIVE = 15_000;
const KEY_FILES = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/**
 * An engine on another machine: one ssh connection, in it a stream to the socket for each connection of the client
 * (`direct-streamlocal@openssh.com`). The host's key must be known already; keys come from the ssh agent, else from ~/.ssh.
 */
export function sshTransport(target: SshTarget, env: NodeJS.ProcessEnv = process.env): Transport {
  let current: Promise<ssh2.Client> | undefined;
  let closed = false;
  const connection = (): Promise<ssh2.Client> => {
    current ??= connectSsh(target, env, () => (current = undefined));
    return current;
  };
  return {
    address: target.address,
    connect: async () => {
      if (closed) throw new Error('the connection is closed');
      const client = await connection();
      return openStreamLocal(client, target.path).catch((error: Error) => {
        throw new Error(`${target.path} on ${target.host}: ${error.message}`);
      });
    },
    close: () => {
      closed = true;
      current?.then(
        (client) => client.end(),
        () => undefined,
      );
    },
  };
}

async function connectSsh(target: SshTarget, env: NodeJS.ProcessEnv, onEnd: () => void): Promise<ssh2.Client> {
  const home = join(env['HOME'] ?? homedir(), '.ssh');
  const known = await readKnownHosts(home);
  const agent = env['SSH_AUTH_SOCK'];
  const keys = await readKeys(home);
  let refused = '';
  return new Promise((done, fail) => {
    const client = new ssh2.Client();
    const end = (error: Error) => {
      onEnd();
      fail(refused ? new Error(refused) : error);
    };
    client.once('ready', () => done(client));
    client.on('error', end);
    client.once('close', () => end(new Error('the ssh connection was closed')));
    client.connect({
      host: target.host,
      port: target.port,
      username: target.user,
      readyTimeout: CONNECT_TIMEOUT,
      keepaliveInterval: KEEPALIVE,
      hostVerifier: (key: Buffer) => {
        refused = checkHostKey(known, target, key) ?? '';
        return refused === '';
      },
      authHandler: authMethods(target.user, agent, keys),
    });
  });
}

type AuthMethod =
  { type: 'agent'; username: string; agent: string } | { type: 'publickey'; username: string; key: Buffer };

function authMethods(username: string, agent: string | undefined, keys: Buffer[]): AuthMethod[] {
  const methods: AuthMethod[] = keys.map((key) => ({ type: 'publickey', username, key }));
  if (agent && existsSync(agent)) methods.unshift({ type: 'agent', username, agent });
  return methods;
}

/** Keys without a passphrase; those with one are for the agent. */
async function readKeys(home: string): Promise<Buffer[]> {
  const keys: Buffer[] = [];
  for (const name of KEY_FILES) {
    const text = await readFile(join(home, name)).catch(() => undefined);
    if (text && !(ssh2.utils.parseKey(text) instanceof Error)) keys.push(text);
  }
  return keys;
}

export interface KnownHost {
  /** "@revoked", "@cert-authority" or '' */
  marker: string;
  /** the names as written, or one hashed */
  names: string;
  type: string;
  key: string;
}

async function readKnownHosts(home: string): Promise<KnownHost[]> {
  const texts = await Promise.all(
    [join(home, 'known_hosts'), '/etc/ssh/ssh_known_hosts'].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
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

/** Why the key is not to be trusted, in words for the user; undefined when it is known. */
export function checkHostKey(
  known: readonly KnownHost[],
  target: { host: string; port: number },
  key: Buffer,
): string | undefined {
  const name = target.port === 22 ? target.host : `[${target.host}]:${target.port}`;
  const text = key.toString('base64');
  const type = key.toString('latin1', 4, 4 + key.readUInt32BE(0));
  const print = `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
  const here = known.filter((host) => matchesName(host.names, name));
  if (here.some((host) => host.marker === '@revoked' && host.key === text))
    return `the key of ${name} is revoked (${print})`;
  const plain = here.filter((host) => host.marker === '');
  if (plain.some((host) => host.key === text)) return undefined;
  if (plain.some((host) => host.type === type))
    return `the key of ${name} is not the known one (${print}). If the machine was installed anew, run: ssh-keygen -R '${name}'`;
  const port = target.port === 22 ? '' : ` -p ${target.port}`;
  return `the key of ${name} is not known (${print}). Check it by connecting once: ssh${port} ${target.host}`;
}

function matchesName(names: string, name: string): boolean {
  if (names.startsWith('|1|')) {
    const [, , salt = '', hash = ''] = names.split('|');
    const made = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
    const stored = Buffer.from(hash, 'base64');
    return made.length === stored.length && timingSafeEqual(made, stored);
  }
  let matched = false;
  for (const pattern of names.split(',')) {
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
