import type { Ipam } from '../api/network.ts';

/** A network as it is kept in `networks/ID.json`. */
export interface NetworkRecord {
  /** 64 hex digits */
  readonly id: string;
  readonly name: string;
  /** RFC 3339 */
  readonly created: string;
  readonly driver: 'bridge' | 'host' | 'null';
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly enableIPv4: boolean;
  readonly enableIPv6: boolean;
  /** with the subnets and gateways that were chosen */
  readonly ipam: Ipam;
  /** the user named a subnet, so addresses may be asked for */
  readonly userSubnets: boolean;
  readonly options: Record<string, string>;
  readonly labels: Record<string, string>;
  /** the host's interface; '' when there is none */
  readonly bridge: string;
}

export const PREDEFINED = ['bridge', 'host', 'none'] as const;
export const isPredefined = (name: string): boolean => (PREDEFINED as readonly string[]).includes(name);

/** Names containers by DNS: every bridge but the default one, as in Docker. */
export const hasNames = (network: NetworkRecord): boolean => network.driver === 'bridge' && network.name !== 'bridge';

/** Docker's options of the bridge driver that are honoured. */
export const OPTION = {
  bridgeName: 'com.docker.network.bridge.name',
  icc: 'com.docker.network.bridge.enable_icc',
  masquerade: 'com.docker.network.bridge.enable_ip_masquerade',
  hostBinding: 'com.docker.network.bridge.host_binding_ipv4',
  mtu: 'com.docker.network.driver.mtu',
  defaultBridge: 'com.docker.network.bridge.default_bridge',
} as const;

/** Go's strconv.ParseBool, false for what it refuses. */
export const isTrue = (text: string | undefined): boolean =>
  ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text ?? '');
