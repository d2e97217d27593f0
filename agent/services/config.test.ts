import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig, parseArguments } from './command-line.ts';
import { parseConfigFile } from './config-file.ts';

describe('the configuration file', () => {
  it("has dockerd's names", () => {
    const content = JSON.stringify({
      'registry-mirrors': ['https://m'],
      'log-opts': { 'max-size': '10m' },
      'default-address-pools': [{ base: '10.0.0.0/8', size: 24 }],
      'default-shm-size': '128M',
      'default-ulimits': { nofile: { Name: 'nofile', Soft: 1, Hard: 2 } },
      'cgroup-parent': 'mine',
    });
    expect(parseConfigFile(content, 'f')).toEqual({
      registryMirrors: ['https://m'],
      logOpts: { 'max-size': '10m' },
      defaultAddressPools: [{ base: '10.0.0.0/8', size: 24 }],
      defaultShmSize: 128 << 20,
      defaultUlimits: { nofile: { Name: 'nofile', Soft: 1, Hard: 2 } },
      cgroupParent: '/mine',
    });
  });
  it.each([
    ['{', 'not JSON'],
    ['[]', 'must be a JSON object'],
    ['{"registry-mirror":[]}', 'unknown key "registry-mirror"'],
    ['{"dns":"1.1.1.1"}', '"dns" must be a list of strings'],
    ['{"ipv6":"yes"}', '"ipv6" must be true or false'],
    ['{"default-shm-size":"big"}', '"default-shm-size" must be a size'],
  ])('refuses %s', (content, message) => expect(() => parseConfigFile(content, 'f')).toThrow(message));
});

describe('the command line', () => {
  it.each([
    [['--sockets', '/x'], 'unknown argument "--sockets"'],
    [['--socket'], '--socket needs a value'],
    [['--root', '/a', '--root', '/b'], '--root is given twice'],
  ])('refuses %j', (args, message) => expect(() => parseArguments(args)).toThrow(message));
  it.each([
    [['--root', 'relative'], '--root must be an absolute path'],
    [['--root', '/a:b'], 'must not contain'],
    [['--runtime', 'rkt'], '--runtime must be crun or runc'],
    [['--socket', `/${'s'.repeat(120)}`], 'longer than the 107 bytes'],
    [['--config-file', '/no/such/file'], '/no/such/file: cannot be read: ENOENT'],
  ])('refuses %j', async (args, message) => expect(loadConfig(args)).rejects.toThrow(message));
  it('lets a registry on the user’s machine be without TLS, as one on loopback is', async () => {
    expect((await loadConfig(['--host-machine', '10.0.2.2'])).insecureRegistries).toEqual(['10.0.2.2']);
    expect((await loadConfig([])).insecureRegistries).toEqual([]);
  });
  it('goes over the file, which goes over the defaults', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'berth-config-'));
    const file = join(directory, 'c.json');
    await writeFile(file, '{"data-root":"/from-file","exec-root":"/run-from-file"}');
    const config = await loadConfig([`--config-file=${file}`, '--root', '/from-line']);
    expect(config).toMatchObject({
      root: '/from-line',
      runDir: '/run-from-file',
      socket: '/var/run/berth/engine.sock',
    });
    await rm(directory, { recursive: true });
  });
});
