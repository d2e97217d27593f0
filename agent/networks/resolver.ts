import { readFile } from '../system/small-files.ts';

export interface ResolverSettings {
  servers: string[];
  search: string[];
  options: string[];
}

/** Docker's, where the host has no name server that a container could reach. */
const PUBLIC = ['8.8.8.8', '8.8.4.4'];
const isLocal = (server: string) =>
  server.startsWith('127.') || server === '::1' || server.toLowerCase().startsWith('fe80:');

/** resolv.conf(5). Of several `search` or `domain` lines the last one counts. */
export function parseResolvConf(text: string): ResolverSettings {
  const settings: ResolverSettings = { servers: [], search: [], options: [] };
  for (const line of text.split('\n')) {
    const [key, ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (key === 'nameserver' && values[0]) settings.servers.push(values[0]);
    else if (key === 'search' || key === 'domain') settings.search = values.filter((value) => value !== '.');
    else if (key === 'options') settings.options.push(...values);
  }
  return settings;
}

/** The host's, as it is. Where it is systemd-resolved's stub, what that forwards to. */
export async function hostResolver(): Promise<ResolverSettings> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => '');
  const settings = parseResolvConf(await read('/etc/resolv.conf'));
  if (settings.servers.length === 1 && settings.servers[0] === '127.0.0.53') {
    const behind = parseResolvConf(await read('/run/systemd/resolve/resolv.conf'));
    if (behind.servers.length > 0) return behind;
  }
  return settings;
}

/** The host's name servers are its own business: a container could reach none of them. */
export const needsForwarder = ({ servers }: ResolverSettings): boolean => servers.length > 0 && servers.every(isLocal);

/** For a container in a network namespace of its own: without what only the host's loopback reaches. */
export function reachable(settings: ResolverSettings, ipv6: boolean): ResolverSettings {
  const servers = settings.servers.filter((server) => !isLocal(server) && (ipv6 || !server.includes(':')));
  return { ...settings, servers: servers.length > 0 ? servers : [...PUBLIC] };
}
