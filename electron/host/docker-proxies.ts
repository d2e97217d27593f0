import { dockerConfig } from './registry-auth.ts';

const VARIABLES = {
  httpProxy: 'HTTP_PROXY',
  httpsProxy: 'HTTPS_PROXY',
  ftpProxy: 'FTP_PROXY',
  allProxy: 'ALL_PROXY',
  noProxy: 'NO_PROXY',
} as const;

/**
 * What `docker run` sets in a container for `proxies` of docker's configuration file: of this engine's address, else of "default", each
 * variable in both ways of writing (https://docs.docker.com/engine/cli/proxy/).
 */
export async function proxyVariables(address: string, env: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  const proxies = (await dockerConfig(env))?.proxies;
  const chosen = proxies?.[address] ?? proxies?.['default'] ?? {};
  return Object.entries(VARIABLES).flatMap(([name, variable]) => {
    const value = chosen[name];
    return typeof value === 'string' && value !== ''
      ? [`${variable}=${value}`, `${variable.toLowerCase()}=${value}`]
      : [];
  });
}

/** With those that were not given otherwise. */
export function withProxies(given: readonly string[], proxies: readonly string[]): string[] {
  const names = new Set(given.map((each) => each.split('=')[0]));
  return [...given, ...proxies.filter((each) => !names.has(each.split('=')[0]))];
}
