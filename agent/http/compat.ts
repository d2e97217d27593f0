import type { ContainerCreateRequest, ContainerInspect, ContainerSummary, HostConfig } from '../api/container.ts';
import { invalid } from '../api/errors.ts';
import { atLeast } from '../api/version.ts';

/**
 * What older clients send and expect (Docker Engine API, version history). The services know only the newest version; here requests are
 * brought up to it and answers down from it.
 */

/** A request to create a container, as the newest version would put it, and what to warn of. `cgroupVersion` is the engine's. */
export function adaptCreate(
  request: ContainerCreateRequest,
  version: string,
  cgroupVersion: 1 | 2,
): { request: ContainerCreateRequest; warnings: string[] } {
  // What is of another type is refused where the rest is checked.
  if (!isObject(request.HostConfig ?? {})) return { request, warnings: [] };
  const before = (minimum: string) => !atLeast(version, minimum);
  const host: HostConfig = isObject(request.HostConfig) ? { ...request.HostConfig } : {};
  const adapted: ContainerCreateRequest = { ...request };
  if (before('1.25')) host.AutoRemove = false;
  // What was the default then.
  if (before('1.40') && !host.IpcMode) host.IpcMode = 'shareable';
  if (before('1.41') && !host.CgroupnsMode && cgroupVersion === 1) host.CgroupnsMode = 'host';
  if (before('1.42')) delete host.ConsoleSize;
  else delete (host as { KernelMemory?: number }).KernelMemory;
  if (before('1.43')) delete host.Annotations;
  if (before('1.44')) checkBefore144(adapted);
  if (Array.isArray(host.Mounts)) host.Mounts = host.Mounts.map((mount) => adaptMount(mount, version));
  adapted.HostConfig = host;
  return { request: adapted, warnings: moveMacAddress(adapted, host, before('1.44')) };
}

function checkBefore144(adapted: ContainerCreateRequest): void {
  if (isObject(adapted.Healthcheck)) adapted.Healthcheck = { ...adapted.Healthcheck, StartInterval: 0 };
  const endpoints = adapted.NetworkingConfig?.EndpointsConfig;
  const names = isObject(endpoints) ? Object.keys(endpoints) : [];
  if (names.length > 1)
    throw invalid(`Container cannot be created with multiple network endpoints: ${names.join(', ')}`);
}

/** The address was the container's until 1.44; since then it is its main network's, and the container's own is only understood. */
function moveMacAddress(adapted: ContainerCreateRequest, host: HostConfig, old: boolean): string[] {
  const { MacAddress: mac } = adapted;
  const endpoints = { ...adapted.NetworkingConfig?.EndpointsConfig };
  const mode = !host.NetworkMode || host.NetworkMode === 'default' ? 'bridge' : String(host.NetworkMode);
  const ownNetwork = mode !== 'host' && mode !== 'none' && !mode.startsWith('container:');
  const [first] = Object.keys(endpoints);
  // An older client names at most one.
  const name = old && first !== undefined ? first : mode;
  const given = endpoints[name];
  if (!mac) {
    if (old && isObject(given) && given.MacAddress) {
      endpoints[name] = { ...given, MacAddress: '' };
      adapted.NetworkingConfig = { ...adapted.NetworkingConfig, EndpointsConfig: endpoints };
    }
    return [];
  }
  if (!ownNetwork) {
    if (old) throw invalid('conflicting options: mac-address and the network mode');
  } else {
    if (first !== undefined && !(name in endpoints))
      throw invalid(
        'unable to migrate container-wide MAC address to a specific network: HostConfig.NetworkMode must match the identity of a network in NetworkSettings.Networks',
      );
    if (!old && isObject(given) && given.MacAddress && given.MacAddress !== mac)
      throw invalid(
        'the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty',
      );
    endpoints[name] = { ...(isObject(given) ? given : {}), MacAddress: mac };
    adapted.NetworkingConfig = { ...adapted.NetworkingConfig, EndpointsConfig: endpoints };
  }
  if (old) return [];
  delete adapted.MacAddress;
  return ['The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.'];
}

type Mount = NonNullable<HostConfig['Mounts']>[number];

function adaptMount(given: Mount, version: string): Mount {
  if (!isObject(given)) return given;
  const before = (minimum: string) => !atLeast(version, minimum);
  const mount = { ...given };
  const bind = isObject(mount.BindOptions) ? { ...mount.BindOptions } : undefined;
  if (bind) mount.BindOptions = bind;
  if (bind && before('1.40')) bind.NonRecursive = false;
  if (before('1.42')) {
    if (bind) bind.CreateMountpoint = false;
    // Not checked then.
    if (mount.Type !== 'volume') delete mount.VolumeOptions;
    if (mount.Type !== 'tmpfs') delete mount.TmpfsOptions;
  }
  if (before('1.44') && mount.Type === 'bind') {
    if (bind?.ReadOnlyForceRecursive) throw invalid('BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer');
    // All read-only mounts were not recursive.
    if (mount.ReadOnly) mount.BindOptions = { ...bind, ReadOnlyNonRecursive: true };
  }
  if (before('1.45') && mount.VolumeOptions?.Subpath) throw invalid('VolumeOptions.Subpath needs API v1.45 or newer');
  if (before('1.48') && (mount.Type as string) === 'image')
    throw invalid('Mount type "Image" needs API v1.48 or newer');
  return mount;
}

/** An inspected container, as a client of that version knows it. */
export function inspectFor(container: ContainerInspect, version: string): ContainerInspect {
  if (atLeast(version, '1.45')) return container;
  const Networks = Object.fromEntries(
    Object.entries(container.NetworkSettings.Networks).map(([name, endpoint]) => {
      // Names in DNS were told as aliases.
      const aliases = new Set([
        ...(endpoint.Aliases ?? []),
        container.Id.slice(0, 12),
        ...(container.Config.Hostname ? [container.Config.Hostname] : []),
      ]);
      return [name, isUserDefined(name) ? { ...endpoint, Aliases: [...aliases] } : endpoint];
    }),
  );
  return { ...container, NetworkSettings: { ...container.NetworkSettings, Networks } };
}

const isUserDefined = (network: string): boolean => !['bridge', 'default', 'host', 'none'].includes(network);

export function summariesFor(containers: ContainerSummary[], version: string): ContainerSummary[] {
  if (atLeast(version, '1.46')) return containers;
  return containers.map((container) => ({
    ...container,
    HostConfig: { NetworkMode: container.HostConfig.NetworkMode },
  }));
}

/** GET /info. `Expected` commits, the state of bridge filtering and others came and went. */
export function infoFor(info: Record<string, unknown>, version: string): Record<string, unknown> {
  const before = (minimum: string) => !atLeast(version, minimum);
  const { BridgeNfIptables: _4, BridgeNfIp6tables: _6, ...adapted } = info;
  if (before('1.50')) Object.assign(adapted, { BridgeNfIptables: false, BridgeNfIp6tables: false });
  if (before('1.49')) {
    delete adapted['FirewallBackend'];
    for (const name of ['ContainerdCommit', 'RuncCommit', 'InitCommit']) {
      const { ID = '' } = (adapted[name] ?? {}) as { ID?: string };
      adapted[name] = { ID, Expected: ID };
    }
  }
  if (before('1.47'))
    adapted['RegistryConfig'] = {
      AllowNondistributableArtifactsCIDRs: null,
      AllowNondistributableArtifactsHostnames: null,
      ...(adapted['RegistryConfig'] as object),
    };
  if (before('1.44')) adapted['Runtimes'] = withoutStatus(adapted['Runtimes'] as Record<string, object>);
  if (before('1.25'))
    adapted['SecurityOptions'] = (adapted['SecurityOptions'] as string[]).map(
      (option) => /^name=([^,]*)/.exec(option)?.[1] ?? option,
    );
  return adapted;
}

const withoutStatus = (runtimes: Record<string, object>): Record<string, object> =>
  Object.fromEntries(
    Object.entries(runtimes).map(([name, runtime]) => {
      const { status: _status, ...rest } = runtime as { status?: unknown };
      return [name, rest];
    }),
  );

const isObject = <T>(value: T): value is NonNullable<T> & object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
