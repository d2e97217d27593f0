import { invalid } from '../../api/errors.ts';
import type { ContainerConfig, ContainerCreateRequest, HostConfig } from '../../api/container.ts';
import type { CheckCreate, KernelFacts } from '../types.ts';
import { checkConfig } from './check-config.ts';
import { checkHostConfig } from './check-host-config.ts';
import { checkResources } from './check-resources.ts';
import { decode } from '../../api/decode.ts';
import { MASKED_PATHS, READONLY_PATHS } from './default-paths.ts';
import { findInit } from './init.ts';
import { mergeImage } from './merge-image.ts';
import { checkNetworkModes, endpointsOf } from './network-modes.ts';
import { CREATE_REQUEST } from '../../api/request-schema.ts';

/** Docker's default size of /dev/shm, bytes */
const SHM_SIZE = 64 * 1024 * 1024;

/**
 * Checks a create request wholly, as dockerd does and in its order, and completes it with the image's defaults and the engine's.
 * Throws invalid-parameter with dockerd's message. What needs the disk (mounts), other containers or networks is checked by those.
 */
export const checkCreate: CheckCreate = (given, image, facts) => {
  const request = decodeCreate(given);
  const {
    HostConfig: host = {},
    NetworkingConfig: networking,
    ...config
  } = request as ContainerCreateRequest & { HostConfig?: HostConfig };
  const hostConfig = host as HostConfig;
  hostConfig.NetworkMode =
    hostConfig.NetworkMode === undefined || ['', 'default'].includes(hostConfig.NetworkMode)
      ? 'bridge'
      : hostConfig.NetworkMode;
  checkNetworkModes(config, hostConfig);
  if (!config.Image) throw invalid('no image specified: config.Image cannot be empty in order to create a container');
  checkConfig(config);
  const warnings = checkHostConfig(hostConfig, facts);
  warnings.push(...checkResources(hostConfig, facts, false));
  const endpoints = endpointsOf(hostConfig, networking?.EndpointsConfig ?? {}, config);
  if (hostConfig.Init) findInit();
  applyDefaults(hostConfig, facts);
  const merged = mergeImage(config, image);
  const [path, ...args] = [...(merged.Entrypoint ?? []), ...(merged.Cmd ?? [])];
  if (path === undefined) throw invalid('no command specified');
  // The image's part is as little to be trusted as the user's.
  checkConfig(merged);
  return { config: withWireDefaults(merged), hostConfig, endpoints, path, args, warnings };
};

/** The request with the types it must have and nothing else. */
export function decodeCreate(given: unknown): ContainerCreateRequest {
  const request = decode(given, CREATE_REQUEST, 'CreateRequest') as ContainerCreateRequest;
  if (request === undefined || Object.keys(request).every((key) => key === 'HostConfig' || key === 'NetworkingConfig'))
    throw invalid('config cannot be empty in order to create a container');
  return request;
}

function applyDefaults(host: HostConfig, facts: KernelFacts): void {
  if ((host.Memory ?? 0) > 0 && !host.MemorySwap) host.MemorySwap = (host.Memory ?? 0) * 2;
  host.ShmSize ||= SHM_SIZE;
  host.IpcMode ||= 'private';
  // Docker leaves it to the host on cgroup v1; a namespace of its own is as good there.
  host.CgroupnsMode ||=
    facts.cgroupNamespaces === false || (host.Privileged && facts.cgroupVersion === 1) ? 'host' : 'private';
  host.RestartPolicy = {
    Name: host.RestartPolicy?.Name || 'no',
    MaximumRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0,
  };
  host.PortBindings ??= {};
  host.LogConfig ??= { Type: '', Config: {} };
  if (!host.Privileged) {
    host.MaskedPaths ??= [...MASKED_PATHS];
    host.ReadonlyPaths ??= [...READONLY_PATHS];
  }
}

/** The wire shows these whether they were given or not. */
function withWireDefaults(config: ContainerConfig): ContainerConfig {
  return {
    ...config,
    Hostname: config.Hostname ?? '',
    Domainname: config.Domainname ?? '',
    AttachStdin: config.AttachStdin ?? false,
    AttachStdout: config.AttachStdout ?? false,
    AttachStderr: config.AttachStderr ?? false,
    Tty: config.Tty ?? false,
    OpenStdin: config.OpenStdin ?? false,
    StdinOnce: config.StdinOnce ?? false,
  };
}
