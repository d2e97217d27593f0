import type { EndpointSettings, HostConfig, PortMap } from '../api/container.ts';
import type { NetworkCreateRequest, NetworkInspect } from '../api/network.ts';
import type { Filters } from '../http/query.ts';

/** What the networks need to know of a container to connect it. */
export interface NetworkSubject {
  id: string;
  /** without slash */
  name: string;
  hostname: string;
  domainname: string;
  /** asked for, by network name or id; "default" and "bridge" are the default bridge */
  endpoints: Record<string, EndpointSettings>;
  portBindings: PortMap;
  /** "80/tcp": all that the image or the user exposes */
  exposedPorts: string[];
  publishAll: boolean;
  hostConfig: Pick<HostConfig, 'Dns' | 'DnsOptions' | 'DnsSearch' | 'ExtraHosts' | 'Links'>;
}

/** What a connected container has got. */
export interface Attachment {
  /** by network name, filled in: addresses, gateway, MAC, DNSNames */
  networks: Record<string, EndpointSettings>;
  /** published as they are now, with the ports that were chosen; exposed but unpublished ports map to null */
  ports: PortMap;
  /** lines for /etc/hosts: address, names */
  hosts: { address: string; names: string[] }[];
  /** what stands before them, instead of the loopback's names: the host's own file */
  hostsBefore?: string;
  dns: { servers: string[]; search: string[]; options: string[] };
}

/** What the containers call. */
export interface ContainerNetworking {
  /** At create: the network exists, addresses lie in its subnet, ports parse. Throws not-found `network X not found`, or invalid. */
  check(mode: string, subject: Pick<NetworkSubject, 'endpoints' | 'portBindings'>): void;
  /** Makes a network namespace that stays until `dropNamespace`; gives the path to join. */
  makeNamespace(id: string): string;
  /** The same for the namespace at `source`, which the runtime has made. */
  keepNamespace(id: string, source: string): string;
  dropNamespace(id: string): void;
  /**
   * Connects the namespace at `netns` to every network asked for, in one netavark run; publishes ports. All or nothing: what was
   * done is undone before it throws (for example `driver failed programming external connectivity … port is already allocated`).
   */
  attach(netns: string, subject: NetworkSubject): Promise<Attachment>;
  /** A connected container has another name now: its networks' name servers answer to that. */
  rename?(id: string, name: string): Promise<void>;
  /** Undoes attach; fine when there is nothing, and after a restart of the engine or a reboot. */
  detach(id: string): Promise<void>;
  /** resolv.conf and hosts for a container without a network of its own (host, none). */
  plain(mode: 'host' | 'none', subject: NetworkSubject): Pick<Attachment, 'hosts' | 'dns'>;
  /** After a restart: `ids` are those running; whatever else is allocated is freed. */
  recover(ids: ReadonlySet<string>): Promise<void>;
}

/** The containers, as the network services see them (connect and disconnect of a running container, names for inspect). */
export interface NetworkUsers {
  find(reference: string): { id: string; name: string; running: boolean; netns?: string } | undefined;
  /** Told when endpoints of a running container changed, to write hosts and the record. */
  endpointChanged(id: string, network: string, endpoint: EndpointSettings | undefined): Promise<void>;
  /** Whether the container, running or not, is to be on the network of this name. */
  wants?(id: string, network: string): boolean;
  /** Names of the networks that a running container is recorded to be on: what clients were told. */
  attachedTo?(id: string): string[];
  /** What a running container with networks of its own is recorded to have of them. */
  attached?(
    id: string,
  ):
    | { id: string; name: string; hostname: string; netns: string; networks: Attachment['networks']; ports: PortMap }
    | undefined;
  subject?(id: string): NetworkSubject;
  /** What its /etc/hosts and resolv.conf were made from, and what they are to show now. */
  filesChanged?(
    id: string,
    before: Pick<Attachment, 'hosts' | 'dns'>,
    after: Pick<Attachment, 'hosts' | 'dns'>,
  ): Promise<void>;
}

/** What the networks router calls. */
export interface NetworkBackend {
  /** `detailed`: with the containers of each. */
  list(filters: Filters, detailed?: boolean): Promise<NetworkInspect[]>;
  inspect(reference: string, scope?: string): Promise<NetworkInspect>;
  create(request: NetworkCreateRequest): Promise<{ Id: string; Warning: string }>;
  remove(reference: string): Promise<void>;
  prune(filters: Filters): Promise<{ NetworksDeleted: string[] | null }>;
  connect(reference: string, container: string, endpoint: EndpointSettings): Promise<void>;
  disconnect(reference: string, container: string, force: boolean): Promise<void>;
}
