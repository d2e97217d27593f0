import { spawn } from 'node:child_process';
import { mkdir, open, readFile, realpath, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { configKey, configPath, helperFor, HELPER_TIMEOUT, type DockerConfig } from './registry-auth.ts';

export type Login = { username: string; password: string } | { username: string; identityToken: string };

/**
 * Keeps a login as `docker login` does: with the credential helper that docker's configuration names for the registry, else in that
 * file, which only its owner may read. (https://github.com/docker/docker-credential-helpers, protocol "store")
 */
export async function storeLogin(registry: string, login: Login, env: NodeJS.ProcessEnv): Promise<void> {
  const path = configPath(env);
  const config = await readConfig(path);
  const key = configKey(registry);
  const helper = helperFor(config, registry);
  if (helper) await giveToHelper(helper, key, login, env);
  // what a helper keeps has an empty entry in the file, by which docker knows of it
  config.auths = { ...config.auths, [key]: helper ? {} : entryOf(login) };
  await writeConfig(path, config);
}

function entryOf(login: Login): { auth?: string; identitytoken?: string } {
  const encode = (password: string) => Buffer.from(`${login.username}:${password}`).toString('base64');
  if ('password' in login) return { auth: encode(login.password) };
  return { auth: encode(''), identitytoken: login.identityToken };
}

/** Everything in it stays. A file that is there and is no JSON is not overwritten. */
async function readConfig(path: string): Promise<DockerConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  try {
    return JSON.parse(text) as DockerConfig;
  } catch {
    throw new Error(`${path} is not valid JSON`);
  }
}

/** Whole or not at all; where the file is a link, what it leads to is replaced. */
async function writeConfig(path: string, config: DockerConfig): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const target = await realpath(path).catch(() => path);
  const temporary = `${target}.${process.pid}.tmp`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(config, null, '\t')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, target);
}

function giveToHelper(name: string, key: string, login: Login, env: NodeJS.ProcessEnv): Promise<void> {
  const secret =
    'password' in login
      ? { Username: login.username, Secret: login.password }
      : { Username: '<token>', Secret: login.identityToken };
  return new Promise((done, fail) => {
    const program = `docker-credential-${name}`;
    // what it prints might repeat what it was given: it is not passed on
    const child = spawn(program, ['store'], { env, stdio: ['pipe', 'ignore', 'ignore'], timeout: HELPER_TIMEOUT });
    child.on('error', () => fail(new Error(`the credential helper ${program} could not be started`)));
    child.on('close', (code) => (code === 0 ? done() : fail(new Error(`the credential helper ${program} refused`))));
    child.stdin.on('error', () => undefined);
    child.stdin.end(JSON.stringify({ ServerURL: key, ...secret }));
  });
}
