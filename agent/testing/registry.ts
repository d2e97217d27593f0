import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface RegistryOptions {
  /** users and passwords; without it anyone may pull and push */
  htpasswd?: Record<string, string>;
  /** default: a free one */
  port?: number;
  /** kept after stop(); default: a temporary one that is not */
  directory?: string;
  /** the registry only passes on what it fetches from there: a mirror */
  mirrorOf?: string;
}

export interface TestRegistry {
  /** "127.0.0.1:PORT" */
  host: string;
  port: number;
  pid: number;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((done) => server.close(() => done()));
  return port;
}

/** bcrypt, the only scheme that the registry takes; through perl's crypt(3), which is part of every Debian. */
function htpasswdLine(user: string, password: string): string {
  const letters = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  const salt = `$2b$05$${[...randomBytes(21)].map((byte) => letters[byte % 64]).join('')}O`;
  const hash = execFileSync('perl', ['-e', 'print crypt($ARGV[0], $ARGV[1])', password, salt], { encoding: 'utf8' });
  if (!hash.startsWith('$2b$')) throw new Error('this machine’s crypt(3) has no bcrypt');
  return `${user}:${hash}\n`;
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const request = get({ host: '127.0.0.1', port, path: '/v2/', timeout: 1000 }, (response) => {
      response.resume();
      done(response.statusCode === 200 || response.statusCode === 401);
    });
    request.on('error', () => done(false));
  });
}

async function configuration(directory: string, port: number, options: RegistryOptions): Promise<object> {
  const auth: Record<string, object> = {};
  if (options.htpasswd) {
    const path = join(directory, 'htpasswd');
    await writeFile(
      path,
      Object.entries(options.htpasswd)
        .map(([user, password]) => htpasswdLine(user, password))
        .join(''),
    );
    auth['htpasswd'] = { realm: 'berth-test', path };
  }
  return {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: join(directory, 'data') },
      delete: { enabled: true },
      cache: { blobdescriptor: 'inmemory' },
    },
    http: { addr: `127.0.0.1:${port}`, secret: 'berth-test' },
    ...(options.htpasswd ? { auth } : {}),
    ...(options.mirrorOf ? { proxy: { remoteurl: options.mirrorOf } } : {}),
  };
}

/** Debian's docker-registry on loopback, with a directory of its own, ready when this resolves. */
export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'berth-registry-')));
  const port = options.port ?? (await freePort());
  const config = join(directory, 'config.yml');
  // JSON is YAML
  await writeFile(config, JSON.stringify(await configuration(directory, port, options)));
  const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
  const ended = new Promise<void>((done) => child.on('close', () => done()));
  child.on('error', (error) => (said = error.message));
  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
    await ended;
    clearTimeout(timer);
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
  };
  for (const deadline = Date.now() + 15_000; !(await answers(port));) {
    if (child.exitCode !== null || child.pid === undefined || Date.now() > deadline) {
      if (child.pid !== undefined) await stop();
      throw new Error(`docker-registry did not start: ${said}`);
    }
    await new Promise((done) => setTimeout(done, 30));
  }
  return { host: `127.0.0.1:${port}`, port, pid: child.pid as number, stop };
}
