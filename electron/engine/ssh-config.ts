import { globSync, readFileSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { matchesPatterns } from './ssh-known-hosts.ts';

/** What an address says itself; the rest comes from ~/.ssh/config. */
export interface SshAddress {
  host: string;
  user?: string | undefined;
  port?: number | undefined;
}

/** How a host is reached, after ssh_config(5). */
export interface SshRoute {
  /** as the user wrote it */
  alias: string;
  host: string;
  port: number;
  user: string;
  /** its name in known_hosts, where that is another */
  knownAs: string | undefined;
  knownHosts: string[];
  /** host keys that were never seen: 'ask' (refused here, with the fingerprint) or 'learn' */
  strangers: 'ask' | 'learn';
  identityFiles: string[];
  /** no keys of the agent but those of `identityFiles` */
  identitiesOnly: boolean;
  /** the agent's socket (Windows: pipe) */
  agent: string | undefined;
  /** hosts on the way, each as [USER@]HOST[:PORT] */
  jumps: string[];
  proxyCommand: string | undefined;
}

const DEFAULT_KEYS = ['id_rsa', 'id_ecdsa', 'id_ed25519'];
const WINDOWS_AGENT = '\\\\.\\pipe\\openssh-ssh-agent';
const SYSTEM_CONFIG = '/etc/ssh/ssh_config';
const SYSTEM_KNOWN_HOSTS = '/etc/ssh/ssh_known_hosts';
const DEEPEST_INCLUDE = 8;

type Options = Map<string, string[]>;

/** Reads the user's and the system's configuration of ssh for one host. What it has beyond `SshRoute` is left out. */
export function sshRoute(
  address: SshAddress,
  env: NodeJS.ProcessEnv = process.env,
  platform: string = process.platform,
): SshRoute {
  const home = env['HOME'] || homedir();
  const folder = join(home, '.ssh');
  const options: Options = new Map();
  const local = userInfo().username;
  const target = { host: address.host, user: address.user ?? local };
  readConfig(join(folder, 'config'), folder, target, options, 0);
  if (platform !== 'win32') readConfig(SYSTEM_CONFIG, '/etc/ssh', target, options, 0);

  const one = (name: string) => options.get(name)?.[0];
  const host = (one('hostname') ?? address.host).replace(/%h/g, address.host).replace(/%%/g, '%');
  const port = address.port ?? Number(one('port') ?? 22);
  const user = address.user ?? one('user') ?? local;
  const tokens: Record<string, string> = { h: host, n: address.host, p: String(port), r: user, u: local, d: home };
  const expand = (text: string) =>
    text
      .replace(/^~(?=\/|$)/, home)
      .replace(/\$\{(\w+)\}/g, (_all, name: string) => env[name] ?? '')
      .replace(/%([%hnprudlL])/g, (_all, token: string) => (token === '%' ? '%' : (tokens[token] ?? hostname())));
  const agent = one('identityagent');
  const proxyCommand = none(one('proxycommand'));
  return {
    alias: address.host,
    host,
    port,
    user,
    knownAs: one('hostkeyalias'),
    knownHosts: [
      ...(options.get('userknownhostsfile') ?? [join(folder, 'known_hosts'), join(folder, 'known_hosts2')]),
      ...(options.get('globalknownhostsfile') ?? [SYSTEM_KNOWN_HOSTS]),
    ].map(expand),
    strangers: /^(accept-new|no|off)$/.test(one('stricthostkeychecking') ?? '') ? 'learn' : 'ask',
    identityFiles: (options.get('identityfile') ?? DEFAULT_KEYS.map((name) => join(folder, name))).map(expand),
    identitiesOnly: one('identitiesonly') === 'yes',
    agent:
      agent === undefined || agent === 'SSH_AUTH_SOCK'
        ? agentOf(env, platform)
        : none(agent) && expandAgent(agent, env, expand),
    jumps: proxyCommand === undefined ? (none(one('proxyjump')) ?? '').split(',').filter(Boolean) : [],
    proxyCommand: proxyCommand && expand(proxyCommand),
  };
}

const none = (value: string | undefined) => (value === undefined || value.toLowerCase() === 'none' ? undefined : value);

const agentOf = (env: NodeJS.ProcessEnv, platform: string) =>
  env['SSH_AUTH_SOCK'] || (platform === 'win32' ? WINDOWS_AGENT : undefined);

const expandAgent = (text: string, env: NodeJS.ProcessEnv, expand: (text: string) => string) =>
  text.startsWith('$') && !text.startsWith('${') ? env[text.slice(1)] : expand(text);

/** Options with several values on one line, and those that are gathered from several lines. */
const LISTS = new Set(['userknownhostsfile', 'globalknownhostsfile']);
const GATHERED = new Set(['identityfile']);
/** The rest of the line is one value. */
const WHOLE = new Set(['proxycommand']);

/** As in ssh, the first value of an option counts. */
function readConfig(
  file: string,
  folder: string,
  target: { host: string; user: string },
  options: Options,
  depth: number,
): void {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return;
  }
  let applies = true;
  for (const line of text.split(/\r?\n/)) {
    const [, name = '', rest = ''] = /^\s*([A-Za-z]\w*)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(line) ?? [];
    const key = name.toLowerCase();
    if (key === '') continue;
    const values = WHOLE.has(key) ? [rest] : words(rest);
    if (key === 'host') applies = matchesPatterns(values, target.host);
    else if (key === 'match') applies = matches(values, target);
    else if (!applies) continue;
    else if (key === 'include') {
      if (depth >= DEEPEST_INCLUDE) continue;
      for (const value of values) {
        const pattern = isAbsolute(value)
          ? value
          : value.startsWith('~/')
            ? join(folder, '..', value.slice(2))
            : join(folder, value);
        for (const each of globSync(pattern).sort()) readConfig(each, folder, target, options, depth + 1);
      }
    } else if (GATHERED.has(key)) options.set(key, [...(options.get(key) ?? []), ...values.slice(0, 1)]);
    else if (!options.has(key)) options.set(key, LISTS.has(key) ? values : values.slice(0, 1));
  }
}

/** Of `Match` the criteria that need no program and no second reading: all, host, originalhost, user. */
function matches(criteria: readonly string[], target: { host: string; user: string }): boolean {
  for (let index = 0; index < criteria.length; index++) {
    const criterion = criteria[index]?.toLowerCase();
    if (criterion === 'all') continue;
    const patterns = (criteria[++index] ?? '').split(',');
    if (criterion === 'host' || criterion === 'originalhost') {
      if (!matchesPatterns(patterns, target.host)) return false;
    } else if (criterion !== 'user' || !matchesPatterns(patterns, target.user)) return false;
  }
  return true;
}

/** Words of a line: quoted ones keep their spaces; a word that begins with # is a comment. */
function words(text: string): string[] {
  const found: string[] = [];
  for (const [, quoted, plain] of text.matchAll(/"([^"]*)"|(\S+)/g)) {
    if (plain?.startsWith('#')) break;
    found.push(quoted ?? (plain as string));
  }
  return found;
}

/** One host of `ProxyJump`: [USER@]HOST[:PORT], or the same as an ssh:// address. */
export function parseJump(text: string): SshAddress {
  const url = new URL(text.includes('://') ? text : `ssh://${text}`);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    user: url.username ? decodeURIComponent(url.username) : undefined,
    port: url.port ? Number(url.port) : undefined,
  };
}
