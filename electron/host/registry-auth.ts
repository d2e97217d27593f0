import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { registryOf } from '../engine/reference.ts';

/** The key of Docker Hub in docker's configuration file. */
const HUB = 'https://index.docker.io/v1/';
/** Milliseconds a credential helper has: it may ask the user to unlock a keychain. */
export const HELPER_TIMEOUT = 10_000;

/** docker's configuration file, as far as it is used here; what else is in it is kept. */
export interface DockerConfig {
  [other: string]: unknown;
  auths?: Record<string, { auth?: string; identitytoken?: string }>;
  credsStore?: string;
  credHelpers?: Record<string, string>;
  /** by an engine's address, or "default" */
  proxies?: Record<string, Record<string, unknown>>;
}
interface Login {
  username?: string;
  password?: string;
  identitytoken?: string;
  serveraddress: string;
}

/**
 * The value of X-Registry-Auth for an image, from what `docker login` stored: a credential helper, else the file. '' when there is
 * none. Nothing of it is kept or logged. (https://github.com/docker/docker-credential-helpers, protocol "get")
 */
export async function registryAuth(reference: string, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const config = await dockerConfig(env);
  if (!config) return '';
  const registry = registryOf(reference);
  const key = configKey(registry);
  const helper = helperFor(config, registry);
  const login = (helper && (await askHelper(helper, key, env))) || fromFile(config, key);
  return login ? Buffer.from(JSON.stringify(login)).toString('base64url') : '';
}

/** Under which name a registry stands in docker's configuration and with its helpers. */
export const configKey = (registry: string): string => (registry === 'docker.io' ? HUB : registry);

/** The credential helper for a registry: "pass" is the program docker-credential-pass. */
export function helperFor(config: DockerConfig, registry: string): string | undefined {
  const name = config.credHelpers?.[configKey(registry)] ?? config.credHelpers?.[registry] ?? config.credsStore;
  return name && /^[\w.-]+$/.test(name) ? name : undefined;
}

export const configPath = (env: NodeJS.ProcessEnv): string =>
  join(env['DOCKER_CONFIG'] || join(env['HOME'] ?? homedir(), '.docker'), 'config.json');

export async function dockerConfig(env: NodeJS.ProcessEnv): Promise<DockerConfig | undefined> {
  try {
    return JSON.parse(await readFile(configPath(env), 'utf8')) as DockerConfig;
  } catch {
    return undefined;
  }
}

function fromFile(config: DockerConfig, key: string): Login | undefined {
  const entry = config.auths?.[key] ?? config.auths?.[`https://${key}`];
  if (!entry) return undefined;
  if (entry.identitytoken) return { identitytoken: entry.identitytoken, serveraddress: key };
  const text = Buffer.from(entry.auth ?? '', 'base64')
    .toString('utf8')
    .replace(/\0+$/, '');
  const colon = text.indexOf(':');
  return colon > 0
    ? { username: text.slice(0, colon), password: text.slice(colon + 1), serveraddress: key }
    : undefined;
}

function askHelper(name: string, key: string, env: NodeJS.ProcessEnv): Promise<Login | undefined> {
  return new Promise((done) => {
    const child = spawn(`docker-credential-${name}`, ['get'], {
      env,
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: HELPER_TIMEOUT,
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.on('error', () => done(undefined));
    child.on('close', (code) => done(code === 0 ? parseHelper(text, key) : undefined));
    child.stdin.on('error', () => undefined);
    child.stdin.end(key);
  });
}

function parseHelper(text: string, key: string): Login | undefined {
  try {
    const { Username = '', Secret = '' } = JSON.parse(text) as { Username?: string; Secret?: string };
    if (!Secret) return undefined;
    if (Username === '<token>') return { identitytoken: Secret, serveraddress: key };
    return { username: Username, password: Secret, serveraddress: key };
  } catch {
    return undefined;
  }
}
