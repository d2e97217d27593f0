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
  inhibitIPv4: 'com.docker.network.bridge.inhibit_ipv4',
  gatewayIPv4: 'com.docker.network.bridge.gateway_mode_ipv4',
  gatewayIPv6: 'com.docker.network.bridge.gateway_mode_ipv6',
  interfacePrefix: 'com.docker.network.container_iface_prefix',
  hostIPv4: 'com.docker.network.host_ipv4',
  hostIPv6: 'com.docker.network.host_ipv6',
  enableIPv4: 'com.docker.network.enable_ipv4',
  enableIPv6: 'com.docker.network.enable_ipv6',
  defaultBridge: 'com.docker.network.bridge.default_bridge',
} as const;

/** Of one container's connection (`--network name=…,driver-opt=…`). */
export const ENDPOINT = {
  interfaceName: 'com.docker.network.endpoint.ifname',
  sysctls: 'com.docker.network.endpoint.sysctls',
} as const;

/** Go's strconv.ParseBool, false for what it refuses. */
export const isTrue = (text: string | undefined): boolean =>
  ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text ?? '');
