import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { EngineConfig } from './config.ts';

/** What is wrong with a configuration, in words for the one who wrote it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Read = (value: unknown, key: string) => Partial<EngineConfig>;

const fail = (key: string, wanted: string): never => {
  throw new ConfigError(`"${key}" must be ${wanted}`);
};
const text = (value: unknown, key: string): string => (typeof value === 'string' ? value : fail(key, 'a string'));
const flag = (value: unknown, key: string): boolean =>
  typeof value === 'boolean' ? value : fail(key, 'true or false');
const count = (value: unknown, key: string): number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0
    ? value
    : fail(key, 'a whole number, zero or more');
const texts = (value: unknown, key: string): string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : fail(key, 'a list of strings');
const object = (value: unknown, key: string): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : fail(key, 'an object');

/** Bytes: a number, or text as "64m". */
function bytes(value: unknown, key: string): number {
  if (typeof value === 'number') return count(value, key);
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text(value, key));
  if (!match) return fail(key, 'a size such as "64m"');
  return Math.floor(Number(match[1]) * 1024 ** ' kmgt'.indexOf((match[2] || ' ').toLowerCase()));
}

function pools(value: unknown, key: string): EngineConfig['defaultAddressPools'] {
  if (!Array.isArray(value)) return fail(key, 'a list of {"base", "size"}');
  return value.map((item, index) => {
    const pool = object(item, `${key}[${index}]`);
    return { base: text(pool['base'], `${key}[${index}].base`), size: count(pool['size'], `${key}[${index}].size`) };
  });
}

function ulimits(value: unknown, key: string): EngineConfig['defaultUlimits'] {
  const result: EngineConfig['defaultUlimits'] = {};
  for (const [name, item] of Object.entries(object(value, key))) {
    const limit = object(item, `${key}.${name}`);
    result[name] = { Name: name, Soft: Number(limit['Soft']), Hard: Number(limit['Hard']) };
    if (!Number.isInteger(result[name].Soft) || !Number.isInteger(result[name].Hard))
      fail(`${key}.${name}`, 'an object with whole numbers "Soft" and "Hard"');
  }
  return result;
}

function options(value: unknown, key: string): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, item] of Object.entries(object(value, key))) result[name] = text(item, `${key}.${name}`);
  return result;
}

/** dockerd's names (https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file), each with its form. */
const KEYS: Record<string, Read> = {
  'data-root': (value, key) => ({ root: text(value, key) }),
  'exec-root': (value, key) => ({ runDir: text(value, key) }),
  'default-runtime': (value, key) => ({ runtime: text(value, key) }),
  'registry-mirrors': (value, key) => ({ registryMirrors: texts(value, key) }),
  'insecure-registries': (value, key) => ({ insecureRegistries: texts(value, key) }),
  'log-driver': (value, key) => ({ logDriver: text(value, key) }),
  'log-opts': (value, key) => ({ logOpts: options(value, key) }),
  'default-address-pools': (value, key) => ({ defaultAddressPools: pools(value, key) }),
  dns: (value, key) => ({ dns: texts(value, key) }),
  'dns-opts': (value, key) => ({ dnsOpts: texts(value, key) }),
  'dns-search': (value, key) => ({ dnsSearch: texts(value, key) }),
  bip: (value, key) => ({ bip: text(value, key) }),
  'fixed-cidr-v6': (value, key) => ({ fixedCidrV6: text(value, key) }),
  ipv6: (value, key) => ({ ipv6: flag(value, key) }),
  'host-machine': (value, key) => {
    const hostMachine = text(value, key);
    return hostMachine === '' || isIP(hostMachine) ? { hostMachine } : fail(key, 'an IP address');
  },
  'host-folders': (value, key) => ({ hostFolders: text(value, key) }),
  labels: (value, key) => ({ labels: texts(value, key) }),
  'max-concurrent-downloads': (value, key) => ({ maxConcurrentDownloads: Math.max(1, count(value, key)) }),
  'cgroup-parent': (value, key) => ({
    cgroupParent: text(value, key).startsWith('/') ? text(value, key) : `/${text(value, key)}`,
  }),
  'shutdown-timeout': (value, key) => ({ shutdownTimeout: count(value, key) }),
  'cpu-rt-period': (value, key) => ({ cpuRtPeriod: count(value, key) }),
  'cpu-rt-runtime': (value, key) => ({ cpuRtRuntime: count(value, key) }),
  'default-shm-size': (value, key) => ({ defaultShmSize: bytes(value, key) }),
  'default-ulimits': (value, key) => ({ defaultUlimits: ulimits(value, key) }),
  'userns-remap': (value, key) => ({ usernsRemap: text(value, key) }),
  debug: (value, key) => ({ debug: flag(value, key) }),
};

/** Reads the text of a configuration file. Throws ConfigError. */
export function parseConfigFile(content: string, file: string): Partial<EngineConfig> {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw new ConfigError(`${file}: not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ConfigError(`${file}: must be a JSON object`);
  const result: Partial<EngineConfig> = {};
  for (const [key, entry] of Object.entries(value)) {
    const read = KEYS[key];
    if (!read) throw new ConfigError(`${file}: unknown key "${key}". Known are: ${Object.keys(KEYS).join(', ')}`);
    try {
      Object.assign(result, read(entry, key));
    } catch (error) {
      if (error instanceof ConfigError) throw new ConfigError(`${file}: ${error.message}`);
      throw error;
    }
  }
  return result;
}

export async function readConfigFile(file: string): Promise<Partial<EngineConfig>> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`${file}: cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
  return parseConfigFile(content, file);
}
