import { invalid } from '../api/errors.ts';
import type { PortBinding, PortMap } from '../api/container.ts';
import { parseAddress } from './cidr.ts';

export type Protocol = 'tcp' | 'udp' | 'sctp';

/** What is to be published; host ports from `first` to `last`, 0 for any of the ephemeral range. */
export interface PortWish {
  protocol: Protocol;
  containerPort: number;
  /** '' is every address of the host */
  hostIp: string;
  first: number;
  last: number;
}
/** A host address and port that lead to a container's port. */
export interface PublishedPort {
  protocol: Protocol;
  containerPort: number;
  /** "0.0.0.0" and "::" for every address */
  hostIp: string;
  hostPort: number;
}

const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
const wrong = (text: string) => invalid(`invalid port specification: ${JSON.stringify(text)}`);

/** "80/tcp", "80" (tcp), "53/udp". */
export function parsePort(key: string): { port: number; protocol: Protocol } {
  const [port = '', protocol = 'tcp', ...rest] = key.split('/');
  if (!isPort(port) || rest.length > 0) throw wrong(port);
  if (!['tcp', 'udp', 'sctp'].includes(protocol.toLowerCase())) throw invalid(`invalid proto: ${protocol}`);
  return { port: Number(port), protocol: protocol.toLowerCase() as Protocol };
}

function parseHostPort(text: string): { first: number; last: number } {
  if (text === '') return { first: 0, last: 0 };
  const [first = '', last = first, ...rest] = text.split('-');
  if (!isPort(first) || !isPort(last) || rest.length > 0 || Number(last) < Number(first)) throw wrong(text);
  return { first: Number(first), last: Number(last) };
}

function parseBinding(key: string, binding: PortBinding): PortWish {
  const { port, protocol } = parsePort(key);
  const hostIp = binding.HostIp ?? '';
  if (hostIp !== '' && !parseAddress(hostIp)) throw invalid(`invalid IP address: ${hostIp}`);
  return { protocol, containerPort: port, hostIp, ...parseHostPort(binding.HostPort ?? '') };
}

/** Throws `invalid port specification: "…"` for what Docker refuses. */
export function parseBindings(bindings: PortMap | null | undefined): PortWish[] {
  return Object.entries(bindings ?? {}).flatMap(([key, list]) => {
    parsePort(key);
    return (list ?? []).map((binding) => parseBinding(key, binding));
  });
}

/** Exposed ports, ranges ("8000-8010/tcp") written out, in order of number. */
export function exposed(keys: readonly string[]): { port: number; protocol: Protocol }[] {
  return keys
    .flatMap((key) => {
      const [range = '', protocol = 'tcp'] = key.split('/');
      const { first, last } = parseHostPort(range);
      return Array.from({ length: last - first + 1 }, (_, index) => parsePort(`${first + index}/${protocol}`));
    })
    .sort((a, b) => a.port - b.port);
}

/** All that is to be published: the bindings, and with `publishAll` every exposed port that has none. */
export function portWishes(bindings: PortMap, exposedPorts: readonly string[], publishAll: boolean): PortWish[] {
  const wishes = parseBindings(bindings);
  if (!publishAll) return wishes;
  const has = new Set(wishes.map((wish) => `${wish.containerPort}/${wish.protocol}`));
  const rest = exposed(exposedPorts).filter(({ port, protocol }) => !has.has(`${port}/${protocol}`));
  return [
    ...wishes,
    ...rest.map(({ port, protocol }) => ({ protocol, containerPort: port, hostIp: '', first: 0, last: 0 })),
  ];
}

/** As inspect shows it; exposed ports that are not published map to null. */
export function portMap(published: readonly PublishedPort[], exposedPorts: readonly string[]): PortMap {
  const map: PortMap = {};
  for (const { port, protocol } of exposed(exposedPorts)) map[`${port}/${protocol}`] = null;
  for (const { protocol, containerPort, hostIp, hostPort } of published)
    (map[`${containerPort}/${protocol}`] ??= []).push({ HostIp: hostIp, HostPort: String(hostPort) });
  return map;
}
