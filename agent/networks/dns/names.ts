import { formatAddress, parseAddress } from '../cidr.ts';
import { addressOfReverse, answer, RCODE, TYPE, writeName, type Question } from './message.ts';

/** A container on a network. */
export interface Member {
  /** addresses on this network */
  addresses: string[];
  /** the first is the container's own; all are answered to; none on the default bridge */
  names: string[];
  container: string;
  /** whom to ask for other names; without any, the host's name servers */
  servers: string[];
  /** names that only this container knows, "target:alias": looked up when they are asked for */
  links?: readonly string[];
}
export interface NamedNetwork {
  name: string;
  /** leads nowhere: names of its containers are all that is answered, where a container has no other network */
  internal: boolean;
  members: Member[];
}
/** Who asks. */
export interface Client {
  networks: Zone[];
  /** by alias, both in lower case: what the container knows others as */
  links: Map<string, string>;
  servers: string[];
  internal: boolean;
}
interface Zone {
  name: string;
  /** by name in lower case */
  addresses: Map<string, string[]>;
  /** the container's own name by address */
  reverse: Map<string, string>;
}

/** Seconds; Docker's. */
const TTL = 600;

/** Who is on which network, looked up by the address a question comes from. */
export class NameTable {
  readonly #clients = new Map<string, Client>();

  constructor(networks: readonly NamedNetwork[]) {
    const byContainer = new Map<string, Client>();
    for (const network of networks) {
      const zone = zoneOf(network);
      for (const member of network.members) {
        const known = byContainer.get(member.container);
        const client: Client = known ?? { networks: [], links: new Map(), servers: member.servers, internal: true };
        client.networks.push(zone);
        for (const link of member.links ?? []) {
          const [target = '', alias = target] = link.toLowerCase().split(':');
          client.links.set(alias, target.replace(/^\//, ''));
        }
        client.internal &&= network.internal;
        if (client.servers.length === 0) client.servers = member.servers;
        byContainer.set(member.container, client);
        for (const address of member.addresses) this.#clients.set(canonical(address), client);
      }
    }
  }

  client(address: string): Client | undefined {
    return this.#clients.get(canonical(address));
  }
}

function canonical(address: string): string {
  const parsed = parseAddress(address.replace(/%.*$/, ''));
  return parsed ? formatAddress(parsed) : address;
}

function zoneOf({ name, members }: NamedNetwork): Zone {
  const zone: Zone = { name: name.toLowerCase(), addresses: new Map(), reverse: new Map() };
  for (const member of members) {
    for (const known of new Set(member.names.map((item) => item.toLowerCase())))
      zone.addresses.set(known, [...(zone.addresses.get(known) ?? []), ...member.addresses]);
    const [own] = member.names;
    if (own) for (const address of member.addresses) zone.reverse.set(canonical(address), `${own}.${name}`);
  }
  return zone;
}

/** Of every network the asker is on, as "name" and "name.network"; undefined where there is no such name. */
function find(client: Client, name: string): string[] | undefined {
  let found: string[] | undefined;
  for (const zone of client.networks) {
    const known =
      zone.addresses.get(name) ??
      (name.endsWith(`.${zone.name}`) ? zone.addresses.get(name.slice(0, -zone.name.length - 1)) : undefined);
    if (known) found = [...(found ?? []), ...known];
  }
  return found;
}

function bytesOf(address: string): Buffer {
  const parsed = parseAddress(address);
  const digits = (parsed?.value ?? 0n).toString(16).padStart(parsed?.family === 6 ? 32 : 8, '0');
  return Buffer.from(digits, 'hex');
}

/** Every order comes up: clients take the first. */
function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** An answer from the networks' own names; undefined for what others have to be asked. `size`: bytes that fit. */
export function answerLocally(client: Client, question: Question, size: number): Buffer | undefined {
  if (!question.inClass) return undefined;
  if (question.type === TYPE.PTR) {
    const address = addressOfReverse(question.name);
    const owner = address && client.networks.map((zone) => zone.reverse.get(canonical(address))).find(Boolean);
    return owner ? answer(question, RCODE.ok, [writeName(owner)], TTL, size) : undefined;
  }
  const found = find(client, client.links.get(question.name) ?? question.name);
  if (!found) return undefined;
  const wanted = found.filter((address) =>
    address.includes(':') ? question.type === TYPE.AAAA : question.type === TYPE.A,
  );
  return answer(question, RCODE.ok, shuffled(wanted).map(bytesOf), TTL, size);
}
