import { createHash, createHmac } from 'node:crypto';
import ssh2 from 'ssh2';
import { describe, expect, it } from 'vitest';
import { checkHostKey, parseKnownHosts } from './ssh-known-hosts.ts';

const hostKey = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
const otherKey = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
const publicOf = (pair: { public: string }) => pair.public.split(' ').slice(0, 2).join(' ');

describe('known hosts', () => {
  const pair = ssh2.utils.parseKey(hostKey.public);
  if (pair instanceof Error) throw pair;
  const key = pair.getPublicSSH();
  const salt = Buffer.from('salt of twenty bytes');
  const hashed = `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update('there').digest('base64')}`;
  const check = (names: string, host: string, port = 22) =>
    checkHostKey(parseKnownHosts(`${names} ${publicOf(hostKey)} comment`), { host, port }, key).trust;

  it.each([
    ['there', 'there', 22, true],
    ['other,there', 'there', 22, true],
    ['*.example,!bad.example', 'good.example', 22, true],
    ['*.example,!bad.example', 'bad.example', 22, false],
    ['th?re', 'there', 22, true],
    ['there', 'there', 2222, true],
    ['elsewhere', 'there', 2222, false],
    ['[there]:2222', 'there', 2222, true],
    [hashed, 'there', 22, true],
    [hashed, 'elsewhere', 22, false],
    ['@cert-authority there', 'there', 22, false],
    ['@revoked *', 'there', 22, false],
  ])('%s for %s:%d is %s', (names, host, port, known) => expect(check(names, host, port)).toBe(known));

  it('a line with the port is the one for that port', () => {
    const lines = parseKnownHosts(`there ${publicOf(hostKey)}\n[there]:2222 ${publicOf(otherKey)}`);
    const verdict = checkHostKey(lines, { host: 'there', port: 2222 }, key);
    expect(verdict).toMatchObject({
      trust: false,
      unknown: false,
      why: { hint: expect.stringContaining("-R '[there]:2222'") },
    });
    expect(checkHostKey(lines, { host: 'there', port: 22 }, key)).toEqual({ trust: true });
  });

  it('a key that was never seen is told with its fingerprint, an authority with what to do instead', () => {
    const stranger = checkHostKey([], { host: 'there', port: 2222 }, key);
    const print = createHash('sha256').update(key).digest('base64').replace(/=+$/, '');
    expect(stranger).toMatchObject({ unknown: true, why: { message: expect.stringContaining(`SHA256:${print}`) } });
    expect(stranger).toMatchObject({ why: { hint: expect.stringContaining('ssh -p 2222 there') } });
    const authority = checkHostKey(
      parseKnownHosts(`@cert-authority there ${publicOf(otherKey)}`),
      { host: 'there', port: 22 },
      key,
    );
    expect(authority).toMatchObject({
      trust: false,
      unknown: false,
      why: { hint: expect.stringContaining('ssh-keyscan') },
    });
  });
});
