import type { ContainerRow } from '../contract/model.ts';

/** What a published port without an address, or with any address, may be called on this machine. */
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const ANY_ADDRESS = new Set(['', '0.0.0.0', '::']);

/**
 * Whether the window may have this link opened outside of it: http or https, without a user name or a password in it, to this machine
 * itself or to a port that a container publishes (`engineHost`: the machine of an engine that is elsewhere).
 */
export function isAllowedLink(text: string, rows: Iterable<ContainerRow>, engineHost?: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return false;
  if (url.username !== '' || url.password !== '') return false;
  if (LOOPBACK.test(url.hostname)) return true;
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  for (const row of rows)
    for (const published of row.ports) {
      if (published.PublicPort !== port) continue;
      const address = published.IP ?? '';
      if (ANY_ADDRESS.has(address) ? url.hostname === engineHost?.toLowerCase() : url.hostname === bracketed(address))
        return true;
    }
  return false;
}

/** The name of the machine that an `ssh://` engine runs on; undefined for one on this machine. */
export function engineHostOf(endpoint: string): string | undefined {
  return endpoint.startsWith('ssh://') && URL.canParse(endpoint) ? new URL(endpoint).hostname : undefined;
}

/** As a URL has it. */
const bracketed = (ip: string) => (ip.includes(':') ? `[${ip.toLowerCase()}]` : ip);
