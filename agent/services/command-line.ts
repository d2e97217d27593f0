import { isAbsolute } from 'node:path';
import { DEFAULT_CONFIG, type EngineConfig } from './config.ts';
import { ConfigError, readConfigFile } from './config-file.ts';

const FLAGS: Record<string, keyof EngineConfig | 'configFile'> = {
  '--socket': 'socket',
  '--root': 'root',
  '--run-dir': 'runDir',
  '--runtime': 'runtime',
  '--config-file': 'configFile',
  '--host-machine': 'hostMachine',
  '--host-folders': 'hostFolders',
  '--lock': 'lock',
  '--begin': 'begin',
};

/** Reads `berth engine`'s arguments: `--flag VALUE` or `--flag=VALUE`. Throws ConfigError. */
export function parseArguments(args: readonly string[]): Partial<EngineConfig> & { configFile?: string } {
  const result: Record<string, string> = {};
  for (let index = 0; index < args.length; index += 1) {
    const [name = '', inline] = (args[index] as string).split(/=(.*)/s, 2);
    const key = FLAGS[name];
    if (key === undefined)
      throw new ConfigError(`unknown argument "${args[index]}". Known are: ${Object.keys(FLAGS).join(', ')}`);
    const value = inline ?? args[(index += 1)];
    if (value === undefined || value === '') throw new ConfigError(`${name} needs a value`);
    if (result[key] !== undefined) throw new ConfigError(`${name} is given twice`);
    result[key] = value;
  }
  return result;
}

/** What is known before any file may be read, `begin` among it. Throws ConfigError. */
export const configBefore = (args: readonly string[]): EngineConfig => {
  const { configFile: _later, ...fromArguments } = parseArguments(args);
  return { ...DEFAULT_CONFIG, ...fromArguments };
};

/** Command line over configuration file over defaults, checked. Throws ConfigError. */
export async function loadConfig(args: readonly string[]): Promise<EngineConfig> {
  const { configFile, ...fromArguments } = parseArguments(args);
  const config = {
    ...DEFAULT_CONFIG,
    ...(configFile === undefined ? {} : await readConfigFile(configFile)),
    ...fromArguments,
  };
  for (const [flag, path] of [
    ['--socket', config.socket],
    ['--root', config.root],
    ['--run-dir', config.runDir],
  ] as const) {
    if (!isAbsolute(path)) throw new ConfigError(`${flag} must be an absolute path, not "${path}"`);
    // overlayfs and conmon separate with these
    if (/[:,\n]/.test(path)) throw new ConfigError(`${flag} must not contain ":" or "," ("${path}")`);
  }
  if (Buffer.byteLength(config.socket) > 107)
    throw new ConfigError(`--socket is longer than the 107 bytes a socket's name may have ("${config.socket}")`);
  if (config.lock !== 'take' && config.lock !== 'held')
    throw new ConfigError(`--lock must be take or held, not "${config.lock as string}"`);
  if (config.runtime !== undefined && config.runtime !== 'crun' && config.runtime !== 'runc')
    throw new ConfigError(`--runtime must be crun or runc, not "${config.runtime}"`);
  // a registry on the user's own machine is on the loopback that is the user's
  if (config.hostMachine !== '') config.insecureRegistries = [...config.insecureRegistries, config.hostMachine];
  return config;
}
