import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import ssh2, { type Client } from 'ssh2';
import { parseJump, sshRoute, type SshAddress, type SshRoute } from './ssh-config.ts';
import { SshError } from './ssh-error.ts';
import { credentials, type Credentials } from './ssh-keys.ts';
import {
  checkHostKey,
  knownTypes,
  learnHostKey,
  readKnownHosts,
  type KnownHost,
  type KnownName,
} from './ssh-known-hosts.ts';

const CONNECT_TIMEOUT = 15_000;
/** Milliseconds between signs of life; a connection without three of them is given up. */
export const KEEPALIVE = 10_000;
const MOST_JUMPS = 8;

/** ssh2's, in its order. */
const HOST_KEYS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
  'ssh-rsa',
] as const;
/** known_hosts has a type of key, the connection agrees on a way to sign with it. */
const typeOfAlgorithm = (algorithm: string) => (algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm);

export interface ConnectOptions {
  env?: NodeJS.ProcessEnv;
  keepalive?: number;
}

/** Connects as `ssh` would: ~/.ssh/config, known_hosts, agent and key files, hosts on the way. Expected failures are SshError. */
export async function connectSsh(address: SshAddress, options: ConnectOptions = {}): Promise<Client> {
  return connectRoute(sshRoute(address, options.env), options, []);
}

async function connectRoute(route: SshRoute, options: ConnectOptions, passed: readonly string[]): Promise<Client> {
  const known = await readKnownHosts(route.knownHosts);
  const keys = await credentials(route);
  const way = await openWay(route, options, passed);
  try {
    const client = await handshake(route, known, keys, way, options.keepalive ?? KEEPALIVE);
    client.once('close', () => way?.close());
    return client;
  } catch (error) {
    way?.close();
    throw error;
  }
}

interface Way {
  stream: Duplex;
  close(): void;
}

/** To where the connection begins, where that is not a plain TCP connection. */
async function openWay(route: SshRoute, options: ConnectOptions, passed: readonly string[]): Promise<Way | undefined> {
  if (route.proxyCommand !== undefined) return throughCommand(route.proxyCommand);
  if (route.jumps.length === 0) return undefined;
  if (passed.length >= MOST_JUMPS || passed.includes(route.alias))
    throw new SshError(`the way to ${route.alias} leads in a circle`, 'correct ProxyJump in ~/.ssh/config');
  const before = route.jumps.slice(0, -1);
  const jump = sshRoute(parseJump(route.jumps.at(-1) as string), options.env);
  const through = { ...jump, jumps: before.length > 0 ? before : jump.jumps };
  const client = await connectRoute(through, options, [...passed, route.alias]);
  const stream = await new Promise<Duplex>((done, fail) =>
    client.forwardOut('127.0.0.1', 0, route.host, route.port, (error, channel) =>
      error
        ? fail(
            new SshError(
              `${jump.host} does not connect to ${route.host}:${route.port}: ${error.message}`,
              'check ProxyJump in ~/.ssh/config',
            ),
          )
        : done(channel),
    ),
  ).catch((error: unknown) => {
    client.end();
    throw error;
  });
  return { stream, close: () => client.end() };
}

function throughCommand(command: string): Way {
  const shell =
    process.platform === 'win32' ? ['cmd.exe', '/d', '/s', '/c', command] : ['/bin/sh', '-c', `exec ${command}`];
  const child = spawn(shell[0] as string, shell.slice(1), { stdio: ['pipe', 'pipe', 'ignore'] });
  child.on('error', () => undefined); // its output ends
  return { stream: Duplex.from({ readable: child.stdout, writable: child.stdin }), close: () => void child.kill() };
}

function handshake(
  route: SshRoute,
  known: readonly KnownHost[],
  keys: Credentials,
  way: Way | undefined,
  keepalive: number,
): Promise<Client> {
  const name: KnownName = { host: route.knownAs ?? route.host, port: route.knownAs ? 22 : route.port };
  const types = knownTypes(known, name);
  const preferred = HOST_KEYS.filter((algorithm) => types.includes(typeOfAlgorithm(algorithm)));
  const others = HOST_KEYS.filter((algorithm) => !preferred.includes(algorithm));
  return new Promise((done, fail) => {
    const client = new ssh2.Client();
    let refused: SshError | undefined;
    client.once('ready', () => done(client));
    client.on('error', (error: Error & { level?: string }) => {
      // one key or the agent failed: the next is tried
      if (error.level !== 'agent') fail(refused ?? explain(error, route, keys));
    });
    client.once('close', () => fail(refused ?? new SshError(`${route.alias} closed the ssh connection`, '')));
    client.connect({
      ...(way ? { sock: way.stream } : { host: route.host, port: route.port }),
      username: route.user,
      readyTimeout: CONNECT_TIMEOUT,
      keepaliveInterval: keepalive,
      keepaliveCountMax: 3,
      algorithms: { serverHostKey: [...preferred, ...others] },
      hostVerifier: (key: Buffer) => {
        const verdict = checkHostKey(known, name, key);
        if (verdict.trust) return true;
        if (verdict.unknown && route.strangers === 'learn') {
          void learnHostKey(route.knownHosts[0] as string, name, key).catch(() => undefined);
          return true;
        }
        refused = verdict.why;
        return false;
      },
      authHandler: keys.methods as never[],
    });
  });
}

function explain(error: Error & { level?: string; code?: string }, route: SshRoute, keys: Credentials): Error {
  const at = `${route.host}:${route.port}`;
  if (error.level === 'client-authentication' || /too many authentication/i.test(error.message)) {
    const why = keys.left.length > 0 ? ` (${keys.left.join('; ')})` : '';
    const many = /too many/i.test(error.message)
      ? 'it was shown more keys than it listens to: name the right one in ~/.ssh/config (IdentityFile, IdentitiesOnly yes)'
      : `see that ssh ${route.user}@${route.alias} works without a password`;
    return new SshError(`${route.user}@${at} accepts no key that is here${why}`, [...keys.hints, many].join('; or '));
  }
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN')
    return new SshError(
      `there is no host of the name ${route.host}`,
      'check the address, and HostName in ~/.ssh/config',
    );
  if (error.code === 'ECONNREFUSED')
    return new SshError(
      `no ssh server listens at ${at}`,
      'check the address and its port, and start the ssh server there',
    );
  if (error.level === 'client-timeout')
    return new SshError(`${at} does not answer`, 'check that it runs and can be reached from here');
  return new SshError(`ssh to ${at}: ${error.message}`, '');
}
