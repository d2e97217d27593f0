import type { ContainerRow } from '../../../electron/contract/model.ts';

export interface PortLabel {
  /** "8080→80", "53→53/udp", "6379/tcp" when not published */
  text: string;
  /** where a published TCP port is reached */
  url?: string;
}

/** Addresses that mean every interface. */
const anyAddress = new Set(['', '0.0.0.0', '::']);

/** Links first, then other published ports; IPv4 and IPv6 bindings of the same port as one. `host`: where the engine publishes its ports. */
export function portLabels(ports: ContainerRow['ports'], host = 'localhost'): PortLabel[] {
  const labels = new Map<string, PortLabel & { order: number }>();
  for (const port of ports) {
    const suffix = port.Type === 'tcp' ? '' : `/${port.Type}`;
    if (!port.PublicPort) {
      const text = `${port.PrivatePort}/${port.Type}`;
      labels.set(text, { text, order: 1e6 + port.PrivatePort });
      continue;
    }
    const text = `${port.PublicPort}→${port.PrivatePort}${suffix}`;
    const address = anyAddress.has(port.IP ?? '') || isLoopback(port.IP) ? host : bracketed(port.IP ?? '');
    if (!labels.has(text)) {
      const url = port.Type === 'tcp' ? `http://${address}:${port.PublicPort}` : undefined;
      labels.set(text, { text, order: port.PublicPort + (url ? 0 : 1e5), ...(url ? { url } : {}) });
    }
  }
  return [...labels.values()]
    .sort((a, b) => a.order - b.order)
    .map(({ text, url }) => (url ? { text, url } : { text }));
}

const isLoopback = (ip: string | undefined) => ip === '127.0.0.1' || ip === '::1';
const bracketed = (ip: string) => (ip.includes(':') ? `[${ip}]` : ip);

/** The name under which ports that the engine publishes are reached: this machine, or the one an ssh engine runs on. */
export function publishedHost(endpoint: string | undefined): string {
  if (!endpoint?.startsWith('ssh://')) return 'localhost';
  return URL.canParse(endpoint) ? new URL(endpoint).hostname : 'localhost';
}
