import { existsSync } from 'node:fs';
import { systemError } from '../api/errors.ts';
import { ExecError, type Exec } from '../system/exec.ts';

/** netavark's input, `src/network/types.rs`; what 1.4 to 1.14 share. */
export interface NetavarkNetwork {
  name: string;
  id: string;
  driver: 'bridge';
  network_interface: string;
  subnets: { subnet: string; gateway?: string }[];
  ipv6_enabled: boolean;
  internal: boolean;
  dns_enabled: boolean;
  options: Record<string, string>;
  ipam_options: { driver: 'host-local' };
}
export interface NetavarkInterface {
  interface_name: string;
  static_ips: string[];
  static_mac: string;
  aliases?: string[];
}
export interface NetavarkPort {
  host_ip: string;
  host_port: number;
  container_port: number;
  protocol: string;
  range: 1;
}
/** `networks` and `network_info` have the network's name for netavark as key. */
export interface NetavarkRequest {
  container_id: string;
  container_name: string;
  networks: Record<string, NetavarkInterface>;
  network_info: Record<string, NetavarkNetwork>;
  port_mappings?: NetavarkPort[];
  dns_servers?: string[];
}

const DIRECTORIES = [
  '/usr/lib/podman',
  '/usr/libexec/podman',
  '/usr/local/libexec/podman',
  '/usr/local/lib/podman',
  '/usr/bin',
  '/usr/local/bin',
];

/** A program that comes with netavark. */
export function findProgram(name: string): string | undefined {
  return DIRECTORIES.map((directory) => `${directory}/${name}`).find((path) => existsSync(path));
}

/** Runs netavark with a configuration directory of the engine's own, so that its name server is the engine's own too. */
export interface Netavark {
  setup(netns: string, request: NetavarkRequest): Promise<void>;
  teardown(netns: string, request: NetavarkRequest): Promise<void>;
}

export function createNetavark(exec: Exec, configDirectory: string): Netavark {
  const run = async (verb: 'setup' | 'teardown', netns: string, request: NetavarkRequest) => {
    const program = findProgram('netavark');
    if (program === undefined)
      throw systemError(
        `netavark is not installed: networks need it (Debian package "netavark"; looked in ${DIRECTORIES.join(', ')})`,
      );
    const names = findProgram('aardvark-dns') ?? '/nonexistent/aardvark-dns';
    try {
      await exec(
        [program, '--config', configDirectory, '--rootless', 'false', '--aardvark-binary', names, verb, netns],
        {
          input: JSON.stringify(request),
          env: netavarkEnvironment(),
        },
      );
    } catch (error) {
      throw systemError(messageOf(error), error);
    }
  };
  return {
    setup: (netns, request) => run('setup', netns, request),
    teardown: (netns, request) => run('teardown', netns, request),
  };
}

/** A short PATH: netavark looks iptables up anew for each of its many calls. */
function netavarkEnvironment(): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
  // The rules of this engine's own chains and netavark's must be in the same tables.
  if (existsSync('/usr/sbin/iptables') || existsSync('/sbin/iptables')) environment['NETAVARK_FW'] = 'iptables';
  return environment;
}

/** netavark tells failures as `{"error": "…"}` on stdout. */
function messageOf(error: unknown): string {
  if (!(error instanceof ExecError)) return error instanceof Error ? error.message : String(error);
  try {
    const { error: message } = JSON.parse(error.stdout) as { error?: string };
    if (message) return message;
  } catch {
    // Not JSON: what it said is the best there is.
  }
  return error.message;
}
