import type { PortBinding } from '../../agent/api/container.ts';
import type { RunRequest } from './run-request.ts';

type PortRow = RunRequest['ports'][number];
export type PortField = 'hostIp' | 'hostPort' | 'containerPort';
export type PortResult =
  { ok: true; bindings: { key: string; binding: PortBinding }[] } | { ok: false; field: PortField; message: string };

interface Range {
  from: number;
  to: number;
}

/** "80" or "8000-8010", 1 to 65535 (0 as host port: any free one). */
function parseRange(text: string, lowest: number): Range | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text.trim());
  if (!match) return undefined;
  const from = Number(match[1]);
  const to = match[2] === undefined ? from : Number(match[2]);
  return from < lowest || to > 65_535 || to < from ? undefined : { from, to };
}

const OCTET = '(25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const IPV4 = new RegExp(`^${OCTET}(\\.${OCTET}){3}$`);
/** IPv6 without its brackets. The engine has the last word; this catches what is typed wrong. */
function isAddress(text: string): boolean {
  if (IPV4.test(text)) return true;
  if (!text.includes(':') || !/^[0-9a-f:.]+$/i.test(text) || text.includes(':::')) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half ? half.split(':') : []));
  const ipv4 = groups.at(-1)?.includes('.') === true;
  if (ipv4 && !IPV4.test(groups.at(-1) as string)) return false;
  if (!groups.every((group, at) => (ipv4 && at === groups.length - 1) || /^[0-9a-f]{1,4}$/i.test(group))) return false;
  const count = groups.length + (ipv4 ? 1 : 0);
  return halves.length === 2 ? count < 8 : count === 8;
}

export const bareAddress = (text: string): string => text.trim().replace(/^\[(.*)\]$/, '$1');

/** One row of published ports, as the `docker` command expands `-p` (docker/go-connections, nat.ParsePortSpec), in its words. */
export function parsePort(row: PortRow): PortResult {
  const hostIp = bareAddress(row.hostIp);
  const hostPort = row.hostPort.trim();
  if (hostIp && !isAddress(hostIp)) return { ok: false, field: 'hostIp', message: `invalid IP address: ${hostIp}` };
  if (!row.containerPort.trim()) return { ok: false, field: 'containerPort', message: 'no port specified' };
  const inner = parseRange(row.containerPort, 1);
  if (!inner)
    return { ok: false, field: 'containerPort', message: `invalid containerPort: ${row.containerPort.trim()}` };
  const outer = hostPort ? parseRange(hostPort, 0) : undefined;
  if (hostPort && !outer) return { ok: false, field: 'hostPort', message: `invalid hostPort: ${hostPort}` };
  const single = inner.from === inner.to;
  if (outer && !single && outer.to - outer.from !== inner.to - inner.from)
    return {
      ok: false,
      field: 'hostPort',
      message: `invalid ranges specified for container and host Ports: ${row.containerPort.trim()} and ${hostPort}`,
    };
  const bindings = [];
  for (let port = inner.from; port <= inner.to; port++) {
    // For one container port a range of host ports means: the first of them that is free.
    const host = !outer ? '' : single ? hostPort : String(outer.from + port - inner.from);
    bindings.push({ key: `${port}/${row.protocol}`, binding: { HostIp: hostIp, HostPort: host } });
  }
  return { ok: true, bindings };
}

/** The argument of `-p` for the row. */
export function portArgument(row: PortRow): string {
  const address = bareAddress(row.hostIp);
  const ip = address.includes(':') ? `[${address}]` : address;
  const protocol = row.protocol === 'tcp' ? '' : `/${row.protocol}`;
  const container = `${row.containerPort.trim()}${protocol}`;
  if (ip) return `${ip}:${row.hostPort.trim()}:${container}`;
  return row.hostPort.trim() ? `${row.hostPort.trim()}:${container}` : container;
}
