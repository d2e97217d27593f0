import { isIP } from 'node:net';
import { invalid } from '../../api/errors.ts';
import type { ContainerConfig, EndpointSettings, HostConfig } from '../../api/container.ts';
import { otherContainer } from './modes.ts';

const some = (list: readonly unknown[] | null | undefined) => (list?.length ?? 0) > 0;

/** Options that cannot go with the network or the UTS mode (moby, runconfig). */
export function checkNetworkModes(config: ContainerConfig, host: HostConfig): void {
  const mode = host.NetworkMode ?? '';
  const other = otherContainer(mode);
  if (other !== undefined || mode === 'container') {
    if (!other) throw invalid('invalid network mode: invalid container format container:<name|id>');
    if (config.Hostname) throw invalid('conflicting options: hostname and the network mode');
    if (config.MacAddress) throw invalid('conflicting options: mac-address and the network mode');
    if (some(host.Links))
      throw invalid(
        "conflicting options: container type network can't be used with links. This would result in undefined behavior",
      );
    if (some(host.Dns)) throw invalid('conflicting options: dns and the network mode');
    if (some(host.ExtraHosts)) throw invalid('conflicting options: custom host-to-IP mapping and the network mode');
    if (Object.keys(host.PortBindings ?? {}).length > 0 || host.PublishAllPorts)
      throw invalid('conflicting options: port publishing and the container type network mode');
    if (Object.keys(config.ExposedPorts ?? {}).length > 0)
      throw invalid('conflicting options: port exposing and the container type network mode');
  }
  if (host.UTSMode === 'host' && config.Hostname) throw invalid('conflicting options: hostname and the UTS mode');
  if (mode === 'host' && some(host.Links))
    throw invalid(
      "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
    );
  if (/[\0\n]/.test(mode)) throw invalid(`invalid network mode: ${JSON.stringify(mode)}`);
}

/**
 * Which networks to connect to, by name. Empty for `host`, `none` and another container's; else at least the one of the mode.
 * "default" is the default bridge. The container's own MacAddress (before API 1.44) goes to the mode's network.
 */
export function endpointsOf(
  host: HostConfig,
  given: Record<string, EndpointSettings | null>,
  config: ContainerConfig,
): Record<string, EndpointSettings> {
  const mode = host.NetworkMode ?? 'bridge';
  const out: Record<string, EndpointSettings> = {};
  for (const [name, endpoint] of Object.entries(given)) {
    if (endpoint === null) throw invalid(`invalid config for network ${name}: EndpointsConfig is nil`);
    checkEndpoint(name, endpoint);
    out[name === 'default' ? 'bridge' : name] = endpoint;
  }
  const names = Object.keys(out);
  if (mode === 'none' || mode === 'host' || otherContainer(mode) !== undefined) {
    const others = names.filter((name) => name !== mode);
    if (others.length > 0)
      throw invalid(
        mode === 'none'
          ? 'container cannot be connected to multiple networks with one of the networks in private (none) mode'
          : mode === 'host'
            ? 'container cannot be connected to host network and another network'
            : 'container sharing network namespace with another container or host cannot be connected to any other network',
      );
    return {};
  }
  if (config.NetworkDisabled) return {};
  // A client that names its networks by id in one place and by name in the other means one network.
  if (names.length === 0) out[mode] = {};
  if (config.MacAddress) {
    checkMac(config.MacAddress);
    const endpoint = out[mode] ?? out[names[0] as string];
    if (endpoint) endpoint.MacAddress ||= config.MacAddress;
  }
  return out;
}

/** RFC 3927, RFC 4291 */
const LINK_LOCAL = /^(169\.254\.|fe[89ab][0-9a-f]:)/i;

function checkEndpoint(name: string, endpoint: EndpointSettings): void {
  const fail = (why: string): never => {
    throw invalid(`invalid config for network ${name}: invalid endpoint settings:\n${why}`);
  };
  const { IPv4Address: v4, IPv6Address: v6, LinkLocalIPs: local } = endpoint.IPAMConfig ?? {};
  if (v4 && isIP(v4) !== 4) fail(`invalid IPv4 address: ${v4}`);
  if (v6 && isIP(v6) !== 6) fail(`invalid IPv6 address: ${v6}`);
  for (const address of local ?? [])
    if (isIP(address) === 0 || !LINK_LOCAL.test(address)) fail(`invalid link-local IP address: ${address}`);
  if (endpoint.MacAddress) checkMac(endpoint.MacAddress);
}

function checkMac(address: string): void {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(address)) throw invalid(`${address} is not a valid mac address`);
}
