import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FakeEngine } from '../testing/fake-engine.ts';
import { startSshd, type Sshd } from '../testing/sshd.ts';
import { EngineClient } from './client.ts';
import { parseEndpoint } from './endpoint.ts';
import { UnreachableError } from './errors.ts';
import { SshError } from './ssh-error.ts';
import { sshTransport } from './ssh-transport.ts';

// A real OpenSSH server, agent and keys of ssh-keygen; the engine behind it is a little one.
const engine = new FakeEngine();
let sshd: Sshd;
const clients: EngineClient[] = [];
const agents: ChildProcess[] = [];

beforeAll(async () => {
  await engine.start();
  sshd = await startSshd();
});
afterAll(async () => {
  await sshd?.stop();
  await engine.remove();
});
beforeEach(() => {
  for (const name of ['id_ed25519', 'id_ecdsa', 'id_rsa', 'other']) {
    rmSync(join(sshd.home, '.ssh', name), { force: true });
    rmSync(join(sshd.home, '.ssh', `${name}.pub`), { force: true });
  }
  sshd.config('');
  sshd.knownHosts(`[127.0.0.1]:${sshd.port} ${sshd.hostKey('ed25519')}`);
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  for (const agent of agents.splice(0)) agent.kill();
});

interface Change {
  address?: string;
  env?: NodeJS.ProcessEnv;
  keepalive?: number;
}

function open({ address = `ssh://root@127.0.0.1:${sshd.port}${engine.socket}`, env = {}, keepalive }: Change = {}) {
  const endpoint = parseEndpoint(address);
  if (endpoint.kind !== 'ssh') throw new Error(address);
  const options = { env: { HOME: sshd.home, PATH: process.env['PATH'], ...env }, ...(keepalive ? { keepalive } : {}) };
  const client = new EngineClient(sshTransport({ ...endpoint, address }, options));
  clients.push(client);
  return client;
}

/** What and what to do. */
async function refusal(client: EngineClient): Promise<SshError> {
  const error = await client.ping().then(
    () => new Error('it was let in'),
    (reason: unknown) => reason,
  );
  if (error instanceof UnreachableError && error.cause instanceof SshError) return error.cause;
  throw error;
}

async function startAgent(...keys: string[]): Promise<string> {
  const socket = join(sshd.home, `agent-${agents.length}`);
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  agents.push(agent);
  while (!existsSync(socket)) await sleep(10);
  const env = { ...process.env, SSH_AUTH_SOCK: socket };
  for (const key of keys) execFileSync('ssh-add', ['-q', key], { env, stdio: 'ignore' });
  return socket;
}

describe('keys', () => {
  it.each([
    ['id_ed25519', 'ed25519'],
    ['id_ecdsa', 'ecdsa'],
    ['id_rsa', 'rsa'],
  ] as const)('the file %s lets in', async (name, type) => {
    sshd.key(name, type);
    await open().ping();
  });

  it('the agent lets in, with a key that has no file left', async () => {
    const path = sshd.key('other', 'ed25519');
    const agent = await startAgent(path);
    rmSync(path);
    await open({ env: { SSH_AUTH_SOCK: agent } }).ping();
  });

  it('of an agent with more keys than a server listens to, the one that is configured is shown first', async () => {
    const keys: string[] = [];
    for (let index = 0; index < 8; index++) {
      const path = join(sshd.home, `stranger-${index}`);
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
      keys.push(path);
    }
    const path = sshd.key('other', 'ed25519');
    const env = { SSH_AUTH_SOCK: await startAgent(...keys, path) };
    rmSync(path); // its public half is left, as with keys on a token
    expect((await refusal(open({ env }))).hint).toContain('IdentitiesOnly');
    sshd.config('IdentityFile ~/.ssh/other\n');
    await open({ env }).ping();
    sshd.config('IdentityFile ~/.ssh/other\nIdentitiesOnly yes\n');
    await open({ env }).ping();
  });

  it('a key with a passphrase is said to be for the agent, and works from there', async () => {
    const path = sshd.key('id_ed25519', 'ed25519', 'secret words');
    const { message, hint } = await refusal(open());
    expect(message).toContain(`${path} has a passphrase`);
    expect(hint).toContain(`ssh-add ${path}`);
    const agent = await startAgent();
    const ask = join(sshd.home, 'askpass');
    writeFileSync(ask, '#!/bin/sh\necho secret words\n', { mode: 0o700 });
    const env = { ...process.env, SSH_AUTH_SOCK: agent, SSH_ASKPASS: ask, SSH_ASKPASS_REQUIRE: 'force' };
    execFileSync('ssh-add', ['-q', path], { env });
    await open({ env: { SSH_AUTH_SOCK: agent } }).ping();
  });

  it('without one that is let in, it is said what was tried and what to do', async () => {
    const { message, hint } = await refusal(open());
    expect(message).toMatch(
      /root@127\.0\.0\.1:\d+ accepts no key that is here \(no ssh agent runs; there is no key in /,
    );
    expect(hint).toContain('see that ssh root@127.0.0.1 works');
  });

  it('an agent that is gone does not keep the files from being tried', async () => {
    sshd.key('id_ed25519', 'ed25519');
    const agent = await startAgent();
    agents.splice(0).forEach((each) => each.kill('SIGKILL'));
    expect(existsSync(agent)).toBe(true);
    await open({ env: { SSH_AUTH_SOCK: agent } }).ping();
  });
});

describe('known hosts', () => {
  beforeEach(() => sshd.key('id_ed25519', 'ed25519'));
  const here = () => `[127.0.0.1]:${sshd.port}`;

  it.each(['ed25519', 'ecdsa', 'rsa'] as const)(
    'a host of which only the %s key is known shows that one',
    async (type) => {
      sshd.knownHosts(`${here()} ${sshd.hostKey(type)}`);
      await open().ping();
    },
  );

  it('lines that ssh-keygen has hashed are read', async () => {
    execFileSync('ssh-keygen', ['-H', '-f', join(sshd.home, '.ssh/known_hosts')], { stdio: 'ignore' });
    expect(readFileSync(join(sshd.home, '.ssh/known_hosts'), 'utf8')).toMatch(/^\|1\|/);
    await open().ping();
  });

  it('an unknown host is refused with the fingerprint that ssh shows', async () => {
    sshd.knownHosts('');
    const { message, hint } = await refusal(open());
    const scan = execFileSync('sh', [
      '-c',
      `ssh-keyscan -t ed25519 -p ${sshd.port} 127.0.0.1 2>/dev/null | ssh-keygen -lf -`,
    ]);
    expect(message).toContain(scan.toString().split(' ')[1]);
    expect(hint).toContain(`ssh -p ${sshd.port} 127.0.0.1`);
  });

  it('a host with another key than the known one is refused, with how to forget that', async () => {
    const other = join(sshd.home, 'another');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', other]);
    sshd.knownHosts(`${here()} ${readFileSync(`${other}.pub`, 'utf8')}`);
    const { message, hint } = await refusal(open());
    expect(message).toContain('is not the one that is known');
    const command = /ssh-keygen -R '\S+'/.exec(hint)?.[0] ?? 'false';
    execFileSync('sh', ['-c', `${command} -f ${join(sshd.home, '.ssh/known_hosts')}`], { stdio: 'ignore' });
    expect((await refusal(open())).message).toContain('is not known');
    rmSync(other);
  });

  it('a revoked key is refused, also where it is known', async () => {
    sshd.knownHosts(`${here()} ${sshd.hostKey('ed25519')}`, `@revoked * ${sshd.hostKey('ed25519')}`);
    expect((await refusal(open())).message).toContain('is revoked');
  });

  it('keeps the key of a new host where the configuration says so, and holds to it', async () => {
    sshd.knownHosts('');
    sshd.config('StrictHostKeyChecking accept-new\n');
    await open().ping();
    sshd.config('');
    await expect
      .poll(() =>
        open()
          .ping()
          .then(() => 'in', String),
      )
      .toBe('in');
  });
});

describe('the way', () => {
  beforeEach(() => sshd.key('id_ed25519', 'ed25519'));

  it('an alias of ~/.ssh/config, and a host on the way to it', async () => {
    sshd.config(
      `Host far\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User root\n  ProxyJump gate\nHost gate\n  HostName 127.0.0.1\n  User root\n  Port ${sshd.port}\n`,
    );
    await sshd.restart();
    const one = open();
    await one.ping();
    const each = sshd.sessions().length;
    one.close();
    await expect.poll(() => sshd.sessions()).toEqual([]);
    const two = open({ address: `ssh://far${engine.socket}` });
    await two.ping();
    expect(sshd.sessions()).toHaveLength(2 * each);
    two.close();
    await expect.poll(() => sshd.sessions()).toEqual([]);
  });

  it('a command on the way', async () => {
    sshd.config(`Host far\n  User root\n  HostKeyAlias known\n  ProxyCommand busybox nc 127.0.0.1 ${sshd.port}\n`);
    sshd.knownHosts(`known ${sshd.hostKey('ed25519')}`);
    await open({ address: `ssh://far${engine.socket}` }).ping();
  });

  it('says that nobody listens, or that there is no such host', async () => {
    expect((await refusal(open({ address: 'ssh://root@127.0.0.1:1' }))).message).toContain('no ssh server listens');
    expect((await refusal(open({ address: 'ssh://root@no-such.invalid' }))).message).toContain('there is no host');
  });
});

describe('the socket', () => {
  beforeEach(() => sshd.key('id_ed25519', 'ed25519'));
  afterAll(() => sshd.restart());

  it('is looked for where the address names none: Berth’s own where docker’s is not', async () => {
    await sshd.restart(`SetEnv XDG_RUNTIME_DIR=${sshd.home}`);
    mkdirSync(join(sshd.home, 'berth'));
    execFileSync('ln', ['-s', engine.socket, join(sshd.home, 'berth/engine.sock')]);
    const client = open({ address: `ssh://root@127.0.0.1:${sshd.port}` });
    engine.put('found');
    expect((await client.listContainers()).map(({ Id }) => Id)).toContain('found');
  });

  it('that is not there is said, with what to do', async () => {
    const { message, hint } = await refusal(open({ address: `ssh://root@127.0.0.1:${sshd.port}/no/such.sock` }));
    expect(message).toBe("there is no engine's socket on 127.0.0.1: /no/such.sock");
    expect(hint).toContain('start the engine there');
  });

  it('of a server that forwards none is reached by a program there, in both directions', async () => {
    const bin = join(sshd.home, 'bin');
    mkdirSync(bin);
    writeFileSync(
      join(bin, 'docker'),
      `#!/bin/sh\n[ "$1 $3 $4" = "--host system dial-stdio" ] || exit 1\nexec ${process.execPath} -e 'const s=require("net").connect({path:process.argv[1].slice(7),allowHalfOpen:true});process.stdin.pipe(s).pipe(process.stdout)' "$2"\n`,
    );
    chmodSync(join(bin, 'docker'), 0o755);
    for (const name of ['sh', 'id']) symlinkSync(`/bin/${name}`, join(bin, name));
    await sshd.restart('AllowStreamLocalForwarding no', `SetEnv PATH=${bin}`);
    const client = open();
    engine.put('carried');
    const stop = new AbortController();
    const events = await client.events(stop.signal);
    expect((await client.listContainers()).map(({ Id }) => Id)).toContain('carried');
    engine.emit('start', 'carried');
    expect((await events.next()).value).toMatchObject({ Action: 'start' });
    stop.abort();

    rmSync(join(bin, 'docker'));
    client.close();
    const { message, hint } = await refusal(open());
    expect(message).toContain('the ssh server forwards no sockets');
    expect(hint).toContain('AllowStreamLocalForwarding yes');
  });
});

describe('a connection that breaks', () => {
  beforeEach(async () => {
    sshd.key('id_ed25519', 'ed25519');
    await sshd.restart();
  });

  it('by the server’s end is made anew by the next call', async () => {
    const client = open();
    const events = await client.events(new AbortController().signal);
    for (const pid of sshd.sessions()) process.kill(pid, 'SIGKILL');
    await expect(events.next()).rejects.toThrow();
    await client.ping();
  });

  it('by a far side that stalls is noticed and given up, and the next call makes another', async () => {
    const client = open({ keepalive: 200 });
    const events = await client.events(new AbortController().signal);
    const stalled = sshd.sessions();
    for (const pid of stalled) process.kill(pid, 'SIGSTOP');
    const began = performance.now();
    await expect(events.next()).rejects.toThrow();
    expect(performance.now() - began).toBeLessThan(10_000);
    await client.ping();
    for (const pid of stalled) process.kill(pid, 'SIGKILL');
  });
});
