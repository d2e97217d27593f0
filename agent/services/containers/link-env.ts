import { systemError } from '../../api/errors.ts';
import type { ContainersContext } from './context.ts';
import type { ContainerRecord } from '../container-record.ts';
import { parseLink } from './links.ts';
import { hasProcesses } from './state.ts';

interface Port {
  number: number;
  protocol: string;
}

/**
 * Variables of the containers linked to on the default bridge ("DB_PORT_5432_TCP_ADDR=172.17.0.2" …), as Docker has always given them.
 * Throws when one does not run.
 */
export function linkEnvironment(ctx: Pick<ContainersContext, 'table'>, record: ContainerRecord): string[] {
  if (!['', 'default', 'bridge'].includes(record.hostConfig.NetworkMode ?? '')) return [];
  return (record.hostConfig.Links ?? []).flatMap((link) => {
    const { target, alias } = parseLink(link);
    const other = ctx.table.find(target)?.record;
    if (!other) return [];
    const name = `/${record.name}/${alias}`;
    if (!hasProcesses(other)) throw systemError(`Cannot link to a non running container: /${other.name} AS ${name}`);
    const address = other.attached.networks['bridge']?.IPAddress;
    if (!address) throw systemError(`Cannot link to /${other.name}, as it does not belong to the default network`);
    return variables(name, address, Object.keys(other.config.ExposedPorts ?? {}), other.config.Env ?? []);
  });
}

function variables(name: string, address: string, exposed: readonly string[], env: readonly string[]): string[] {
  const alias = (name.split('/').at(-1) ?? '').toUpperCase().replaceAll('-', '_');
  const ports = exposed.map(parsePort).sort(tcpFirst);
  const url = ({ number, protocol }: Port) => `${protocol}://${address}:${number}`;
  const prefix = ({ number, protocol }: Port) => `${alias}_PORT_${number}_${protocol.toUpperCase()}`;
  const lines = ports[0] ? [`${alias}_PORT=${url(ports[0])}`] : [];
  for (const port of ports)
    lines.push(
      `${prefix(port)}=${url(port)}`,
      `${prefix(port)}_ADDR=${address}`,
      `${prefix(port)}_PORT=${port.number}`,
      `${prefix(port)}_PROTO=${port.protocol}`,
    );
  for (const { first, last } of runsOf(ports))
    lines.push(
      `${prefix(first)}_START=${url(first)}`,
      `${prefix(first)}_PORT_START=${first.number}`,
      `${prefix(first)}_END=${url(last)}`,
      `${prefix(first)}_PORT_END=${last.number}`,
    );
  lines.push(`${alias}_NAME=${name}`);
  for (const item of env) {
    const [key = '', ...value] = item.split('=');
    if (item.includes('=') && key !== 'HOME' && key !== 'PATH') lines.push(`${alias}_ENV_${key}=${value.join('=')}`);
  }
  return lines;
}

function parsePort(text: string): Port {
  const [number = '', protocol = 'tcp'] = text.split('/');
  return { number: Number(number), protocol };
}

function tcpFirst(a: Port, b: Port): number {
  if (a.protocol === b.protocol) return a.number - b.number;
  if (a.protocol === 'tcp') return -1;
  return b.protocol === 'tcp' || a.protocol > b.protocol ? 1 : -1;
}

/** Of two or more ports in a row. */
function runsOf(ports: readonly Port[]): { first: Port; last: Port }[] {
  const runs: { first: Port; last: Port }[] = [];
  for (const port of ports) {
    const run = runs.at(-1);
    if (run && run.last.protocol === port.protocol && run.last.number + 1 === port.number) run.last = port;
    else runs.push({ first: port, last: port });
  }
  return runs.filter(({ first, last }) => first !== last);
}

/** What the user or the image sets stands. */
export function withLinks(env: readonly string[], links: readonly string[]): string[] {
  const keys = new Set(env.map((item) => item.split('=')[0]));
  return [...env, ...links.filter((item) => !keys.has(item.split('=')[0]))];
}
