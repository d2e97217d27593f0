import type { ContainerCreateRequest, HostConfig } from '../../api/container.ts';
import type { EngineConfig } from '../config.ts';

type Defaults = Pick<EngineConfig, 'logDriver' | 'logOpts' | 'defaultShmSize' | 'defaultUlimits'>;

/**
 * The request with what the engine's configuration says where the user said nothing: log driver and its options, limits by name, the
 * size of /dev/shm. Before the request is checked, so that a fault in the configuration is found too; what has another type than it
 * should is left for the check to refuse.
 */
export function withEngineDefaults(config: Defaults, request: ContainerCreateRequest): ContainerCreateRequest {
  const host: unknown = request.HostConfig ?? {};
  if (typeof host !== 'object' || host === null || Array.isArray(host)) return request;
  const given = new Map(Object.entries(host).map(([name, value]) => [name.toLowerCase(), value as unknown]));
  const merged: HostConfig = { ...host };
  if (!given.get('shmsize')) set(merged, 'ShmSize', config.defaultShmSize);
  const log = given.get('logconfig') ?? {};
  if (isObject(log)) set(merged, 'LogConfig', withLogDefaults(config, log));
  const limits = given.get('ulimits') ?? [];
  const names = Object.values(config.defaultUlimits);
  if (Array.isArray(limits) && names.length > 0) {
    const asked = new Set(limits.map((limit: unknown) => (isObject(limit) ? limit['Name'] : undefined)));
    set(merged, 'Ulimits', [
      ...(limits as NonNullable<HostConfig['Ulimits']>),
      ...names.filter(({ Name }) => !asked.has(Name)),
    ]);
  }
  return { ...request, HostConfig: merged };
}

/** Another driver's options would mean nothing to the one that was asked for (moby `mergeLogConfig`). */
function withLogDefaults(config: Defaults, log: Record<string, unknown>): NonNullable<HostConfig['LogConfig']> {
  const type = log['Type'] || config.logDriver;
  const options = log['Config'] ?? {};
  const merged = type === config.logDriver && isObject(options) ? { ...config.logOpts, ...options } : options;
  return { Type: type as string, Config: merged as Record<string, string> };
}

/** Sets a field under its own name only: names match without regard to case. */
function set<Name extends keyof HostConfig>(host: HostConfig, name: Name, value: HostConfig[Name]): void {
  for (const key of Object.keys(host))
    if (key.toLowerCase() === name.toLowerCase()) delete (host as Record<string, unknown>)[key];
  host[name] = value;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
