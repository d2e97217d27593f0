import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sshRoute, type SshAddress } from './ssh-config.ts';

const home = mkdtempSync(join(tmpdir(), 'berth-ssh-config-'));
const route = (address: SshAddress, env: NodeJS.ProcessEnv = {}, platform = 'linux') =>
  sshRoute(address, { HOME: home, ...env }, platform);

beforeAll(() => {
  mkdirSync(join(home, '.ssh/config.d'), { recursive: true });
  writeFileSync(
    join(home, '.ssh/config'),
    `# a comment
Include config.d/*
Host build
  HostName=%h.example
  User builder
  Port 2222
  IdentityFile ~/.ssh/%h-key
  IdentityFile "~/.ssh/with space"
  ProxyJump me@gate:2022,inner
Host *.lab !gate.lab
  StrictHostKeyChecking accept-new
  HostKeyAlias lab
  UserKnownHostsFile ~/.ssh/lab /tmp/%r
Host proxied
  ProxyCommand nc -X 5 "%h" %p # all of it
  ProxyJump never
Match host matched user root
  Port 1
Match exec "true"
  Port 2
Match all
  User last
Host *
  User too-late
`,
  );
  writeFileSync(join(home, '.ssh/config.d/more'), 'Host included\n  IdentitiesOnly yes\n  IdentityAgent ~/agent\n');
});
afterAll(() => rmSync(home, { recursive: true }));

describe('the user’s configuration of ssh', () => {
  it('names host, user, port, keys and the way of an alias', () => {
    expect(route({ host: 'build' })).toMatchObject({
      host: 'build.example',
      user: 'builder',
      port: 2222,
      identityFiles: [join(home, '.ssh/build.example-key'), join(home, '.ssh/with space')],
      jumps: ['me@gate:2022', 'inner'],
      strangers: 'ask',
    });
  });
  it('what the address says itself counts more', () =>
    expect(route({ host: 'build', user: 'me', port: 22 })).toMatchObject({
      user: 'me',
      port: 22,
      host: 'build.example',
    }));
  it('patterns and their negation choose', () => {
    expect(route({ host: 'a.lab', user: 'me' })).toMatchObject({ strangers: 'learn', knownAs: 'lab' });
    expect(route({ host: 'a.lab', user: 'me' }).knownHosts.slice(0, 2)).toEqual([join(home, '.ssh/lab'), '/tmp/me']);
    expect(route({ host: 'gate.lab' })).toMatchObject({ strangers: 'ask', knownAs: undefined });
  });
  it('a command on the way stands for the hosts on the way', () =>
    expect(route({ host: 'proxied' })).toMatchObject({ jumps: [], proxyCommand: 'nc -X 5 "proxied" 22 # all of it' }));
  it('of Match what needs no program; the first value counts', () => {
    expect(route({ host: 'matched', user: 'root' }).port).toBe(1);
    expect(route({ host: 'matched', user: 'me' }).port).toBe(22);
    expect(route({ host: 'any' }).user).toBe('last');
  });
  it('included files are read', () =>
    expect(route({ host: 'included' })).toMatchObject({ identitiesOnly: true, agent: join(home, 'agent') }));
  it('without any: this user, port 22, the usual keys, the agent of the environment (Windows: its pipe)', () => {
    const bare = sshRoute({ host: 'x' }, { HOME: '/nowhere', SSH_AUTH_SOCK: '/a' }, 'linux');
    expect(bare).toMatchObject({ host: 'x', user: userInfo().username, port: 22, agent: '/a', jumps: [] });
    expect(bare.identityFiles).toContain('/nowhere/.ssh/id_ed25519');
    expect(route({ host: 'x' }, {}, 'win32').agent).toBe('\\\\.\\pipe\\openssh-ssh-agent');
    expect(route({ host: 'x' }).agent).toBeUndefined();
  });
});
