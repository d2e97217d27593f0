import { BlockList, isIP } from 'node:net';
import type { EngineConfig } from '../../services/config.ts';
import type { Reference } from '../reference/parse.ts';

/** A base URL under which a repository's API is tried, in this order. */
export interface Endpoint {
  /** without slash at the end: "https://registry-1.docker.io" */
  base: string;
  insecureTls: boolean;
  /** a mirror's failure is not the user's: the next endpoint is tried */
  mirror: boolean;
}

type RegistryConfig = Pick<EngineConfig, 'registryMirrors' | 'insecureRegistries'>;

/** The registry's API host for a domain. */
const apiHost = (domain: string) => (domain === 'docker.io' ? 'registry-1.docker.io' : domain);

/** The host without port and brackets. */
function hostname(domain: string): string {
  return domain.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}

function inNetwork(address: string, cidr: string): boolean {
  const [network = '', bits] = cidr.split('/');
  const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(network) === 0 || isIP(address) !== (family === 'ipv6' ? 6 : 4)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family);
  return list.check(address, family);
}

/** Loopback always; else what the configuration names, as host, host:port or network. */
export function isInsecure(domain: string, insecureRegistries: readonly string[]): boolean {
  const host = hostname(domain);
  if (host === 'localhost' || host.endsWith('.localhost') || inNetwork(host, '127.0.0.0/8') || host === '::1')
    return true;
  return insecureRegistries.some((entry) =>
    entry.includes('/') ? inNetwork(host, entry) : entry === domain || entry === host,
  );
}

/** Mirrors first (docker.io only), then the registry: TLS, and plain HTTP after it where that is allowed. */
export function endpointsFor(reference: Pick<Reference, 'domain'>, config: RegistryConfig): Endpoint[] {
  const { domain } = reference;
  const mirrors = domain === 'docker.io' ? config.registryMirrors : [];
  const host = apiHost(domain);
  const insecure = isInsecure(domain, config.insecureRegistries);
  return [
    ...mirrors.map((base) => ({
      base: base.replace(/\/+$/, ''),
      insecureTls: isInsecure(new URL(base).host, config.insecureRegistries),
      mirror: true,
    })),
    { base: `https://${host}`, insecureTls: insecure, mirror: false },
    ...(insecure ? [{ base: `http://${host}`, insecureTls: true, mirror: false }] : []),
  ];
}
