import { forward } from '../../networks/dns/forward.ts';
import { NameFallback, type FallbackNetwork } from '../../networks/dns/fallback.ts';
import { answer, RCODE, readQuestion } from '../../networks/dns/message.ts';
import { answerLocally, NameTable, type Member } from '../../networks/dns/names.ts';
import { listenDns, type DnsServer } from '../../networks/dns/server.ts';
import { findProgram } from '../../networks/netavark.ts';
import { hasNames, type NetworkRecord } from '../../networks/network-record.ts';
import { hostResolver, needsForwarder } from '../../networks/resolver.ts';
import { kernelName, namesDirectory, type Names, type NetworkState } from './state.ts';

/** Questions to other name servers at once; those beyond are refused (Docker's number). */
const FORWARDED = 1024;
/** Milliseconds in which changes are gathered before they are written for the stand-in. */
const GATHER = 50;
/** Milliseconds for which the host's resolv.conf is taken to be as it was. */
const HOST_AGE = 5000;

/**
 * Names for the containers of the user's networks, on port 53 of each network's address on the host. For the default bridge, where
 * containers have no names, only what other name servers answer: where the host's own is on its loopback.
 */
export class NameService implements Names {
  readonly #state: NetworkState;
  readonly #fallback: NameFallback;
  /** by network id */
  readonly #servers = new Map<string, Promise<DnsServer[]>>();
  #table: NameTable | undefined;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #forwarded = 0;
  #host: { servers: Promise<string[]>; until: number } | undefined;

  constructor(state: NetworkState) {
    this.#state = state;
    this.#fallback = new NameFallback(namesDirectory(state.options.layout), findProgram('aardvark-dns'));
  }

  /** At the engine's start, before it serves: takes over from what stood in for it. */
  async takeOver(): Promise<void> {
    await this.#fallback.relieve();
    const bridge = this.#state.find('bridge');
    if (bridge && needsForwarder(await hostResolver())) await this.serve(bridge);
    for (const network of this.#served()) await this.serve(network);
    this.changed();
  }

  /** Resolves when the network's name server answers. That it cannot is logged: the containers can do without. */
  async serve(network: NetworkRecord): Promise<void> {
    const known = this.#servers.get(network.id);
    if (known) return void (await known);
    const starting = Promise.all(
      addressesOf(network).map((address) => listenDns(address, (...query) => this.#respond(...query))),
    ).catch((error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'another program has port 53 there' : error.message;
      this.#state.options.log.warn(`no names for the containers of network ${network.name}: ${why}`);
      this.#servers.delete(network.id);
      return [];
    });
    this.#servers.set(network.id, starting);
    await starting;
  }

  /** The network goes. */
  async close(networkId: string): Promise<void> {
    const servers = this.#servers.get(networkId);
    this.#servers.delete(networkId);
    for (const server of (await servers) ?? []) server.close();
  }

  /** Somebody came, went or has another name: what is answered from now on is what is so now. */
  changed(): void {
    this.#table = undefined;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writing.then(() => this.#write());
    }, GATHER).unref();
  }

  /** The engine ends. What is to stand in for it has what it needs; without containers nothing stands in. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    await this.#writing;
    for (const id of [...this.#servers.keys()]) await this.close(id);
  }

  /** What the kernel does when the engine is killed. For tests. */
  abandon(): void {
    clearTimeout(this.#timer);
    for (const id of [...this.#servers.keys()]) void this.close(id);
    this.#fallback.abandon();
  }

  async #write(): Promise<void> {
    await this.#fallback
      .update(this.#members())
      .catch((error: unknown) => this.#state.options.log.error('names for the time without engine', error));
  }

  /** Networks with a container on them whose names are served. */
  #served(): NetworkRecord[] {
    const ids = new Set(
      [...this.#state.attachments.values()].flatMap((record) => record.networks.map((entry) => entry.networkId)),
    );
    return [...this.#state.networks.values()].filter(
      (network) => ids.has(network.id) && (hasNames(network) || this.#servers.has(network.id)),
    );
  }

  #members(): FallbackNetwork[] {
    const members = new Map<string, Member[]>();
    for (const { id, networks } of this.#state.attachments.values())
      for (const { networkId, endpoint, request } of networks) {
        const list = members.get(networkId) ?? [];
        members.set(networkId, list);
        list.push({
          container: id,
          names: endpoint.DNSNames ?? [],
          addresses: [endpoint.IPAddress, endpoint.GlobalIPv6Address].filter((address) => !!address) as string[],
          servers: request.dns_servers ?? [],
          links: endpoint.Links ?? [],
        });
      }
    return this.#served().map((network) => ({
      key: kernelName(network),
      name: network.name,
      internal: network.internal,
      listen: addressesOf(network),
      members: members.get(network.id) ?? [],
    }));
  }

  async #respond(query: Buffer, address: string, overTcp: boolean): Promise<Buffer | undefined> {
    const question = readQuestion(query);
    if (!question) return undefined;
    this.#table ??= new NameTable(this.#members());
    const client = this.#table.client(address);
    const size = overTcp ? 65_535 : question.size;
    if (!client) return answer(question, RCODE.refused, [], 0, size);
    const known = answerLocally(client, question, size);
    if (known) return known;
    if (client.internal) return answer(question, RCODE.failure, [], 0, size);
    if (this.#forwarded >= FORWARDED) return answer(question, RCODE.refused, [], 0, size);
    this.#forwarded++;
    try {
      const servers = client.servers.length > 0 ? client.servers : await this.#hostServers();
      const reply = await forward(query, question, servers, overTcp);
      return reply ?? answer(question, RCODE.failure, [], 0, size);
    } finally {
      this.#forwarded--;
    }
  }

  /** Asked from the host, so that a name server on its loopback is as good as any. */
  #hostServers(): Promise<string[]> {
    if (!this.#host || Date.now() > this.#host.until)
      this.#host = { servers: hostResolver().then(({ servers }) => servers), until: Date.now() + HOST_AGE };
    return this.#host.servers;
  }
}

const addressesOf = (network: NetworkRecord): string[] => network.ipam.Config.flatMap(({ Gateway }) => Gateway ?? []);
