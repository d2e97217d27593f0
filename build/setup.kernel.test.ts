import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const repository = fileURLToPath(new URL('..', import.meta.url));
const FILES = [
  'build/setup.sh',
  'build/start.sh',
  'build/start-engine.sh',
  'build/fail.sh',
  'bin/node24',
  'bin/berth',
  'package.json',
  'package-lock.json',
];
const TOOLS =
  'awk bash cat cut dirname dpkg-query env grep head id ip mktemp mount mv node npm readlink rm sed seq sh sha256sum sleep tail tr uname unshare'.split(
    ' ',
  );

/** A clone of which nothing is set up, with a PATH on which only chosen programs are. */
let clone: string;
let tools: string;
beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'berth-setup-'));
  for (const file of FILES) {
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    copyFileSync(join(repository, file), join(clone, file));
  }
});
afterAll(() => rmSync(clone, { recursive: true, force: true }));
beforeEach(() => {
  tools = mkdtempSync(join(clone, 'tools-'));
  for (const name of TOOLS) {
    const found = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
    if (found) symlinkSync(found, join(tools, name));
  }
});

/** Puts a script in a program's place; without one the program is not there. */
function fake(name: string, script?: string): void {
  rmSync(join(tools, name), { force: true });
  if (script === undefined) return;
  writeFileSync(join(tools, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(tools, name), 0o755);
}
const user = 'if [ "$1" = -u ] || [ "$1" = -g ]; then echo 1000; else echo someone; fi';
const lacksCrun = 'case "$*" in *crun) exit 1;; *) printf installed;; esac';

function run(script: string, around: string[] = []) {
  const argv = [...around, '/bin/bash', join(clone, 'build', script)];
  const env = { PATH: tools, HOME: clone, npm_config_fetch_retries: '0', npm_config_cache: join(clone, 'cache') };
  const done = spawnSync(argv[0] as string, argv.slice(1), {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const line = (name: string) => new RegExp(`^ *${name}: +(.*)$`, 'm').exec(done.stderr)?.[1] ?? '';
  return { code: done.status, what: line('berth setup'), why: line('why'), todo: line('what to do'), all: done.stderr };
}

describe('the set-up says what cannot be done, why and what to do, where', () => {
  it.each([
    [
      'the kernel is not Linux',
      () => fake('uname', 'echo Darwin'),
      /no Linux kernel/,
      /it runs Darwin/,
      /berth ui --engine ssh:/,
    ],
    ['Node is missing', () => fake('node'), /Node is missing/, /no `node` command/, /apt-get install nodejs npm/],
    ['npm is missing', () => fake('npm'), /npm is missing/, /no `npm` command/, /apt-get install npm/],
    ['Node is old', () => fake('node', 'echo 18'), /Node 18 is too old/, /Node 20 or later/, /nodejs\.org/],
    [
      'packages are missing, for who is not root and has no sudo',
      () => (fake('id', user), fake('dpkg-query', lacksCrun)),
      /packages are missing: crun$/,
      /not root and there is no sudo/,
      /as root: apt-get install --no-install-recommends crun$/,
    ],
    [
      'packages are missing, and sudo wants a password',
      () => (fake('id', user), fake('dpkg-query', lacksCrun), fake('sudo', 'exit 1')),
      /packages are missing: crun$/,
      /sudo asks for a password, and there is no terminal/,
      /sudo apt-get install --no-install-recommends crun$/,
    ],
    [
      'the package archive is not reached',
      () => (
        fake('dpkg-query', lacksCrun),
        fake('apt-get', 'echo "Temporary failure resolving deb.debian.org" >&2; exit 100')
      ),
      /apt-get update failed/,
      /cannot be reached/,
      /network and \/etc\/apt/,
    ],
    [
      'a program is missing on what is not Debian',
      () => fake('dpkg-query'),
      /programs are missing: crun conmon/,
      /not Debian or Ubuntu/,
      /your package manager/,
    ],
  ])('%s', (_, arrange, what, why, todo) => {
    arrange();
    const said = run('setup.sh');
    expect([said.what, said.why, said.todo], said.all).toEqual([
      expect.stringMatching(what),
      expect.stringMatching(why),
      expect.stringMatching(todo),
    ]);
    expect(said.code).toBe(1);
    // what npm start runs ends the same way
    expect(run('start.sh').code).toBe(1);
  });

  it('there is no network for npm', () => {
    // one package is enough to be missed, and the whole list takes npm half a minute
    const one = { name: 'one', version: '1.0.0', dependencies: { ws: '8.23.0' } };
    writeFileSync(join(clone, 'package.json'), JSON.stringify(one));
    writeFileSync(
      join(clone, 'package-lock.json'),
      JSON.stringify({ ...one, lockfileVersion: 3, packages: { '': one } }),
    );
    const said = run('setup.sh', ['/usr/bin/unshare', '--net']);
    expect(said.what, said.all).toBe('npm packages could not be installed');
    expect(said.all).toMatch(/ENOTFOUND|EAI_AGAIN|ENETUNREACH|ECONNREFUSED|network/i);
    expect(said.todo).toMatch(/check the network and the registry/);
    expect(said.code).toBe(1);
  });

  const noMemory = '#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t1\t1\nmemory\t0\t1\t0\npids\t2\t1\t1\n';
  /** runs with another file of /proc in its place */
  function runWith(file: string, content: string) {
    // npm finds nothing to do: its packages are there, from this lock file
    const modules = join(clone, 'node_modules');
    mkdirSync(modules);
    writeFileSync(join(modules, '.package-lock.json'), '{}');
    const lock = createHash('sha256')
      .update(readFileSync(join(clone, 'package-lock.json')))
      .digest('hex');
    writeFileSync(join(modules, '.berth-lock'), `${lock}\n`);
    const node = `node-linux-${process.arch}`;
    symlinkSync(join(repository, 'node_modules', node), join(modules, node));
    try {
      const instead = join(clone, 'instead');
      writeFileSync(instead, content);
      const script = `mount --bind '${instead}' ${file} && exec "$@"`;
      return run('setup.sh', ['/usr/bin/unshare', '--mount', '/bin/sh', '-c', script, 'sh']);
    } finally {
      rmSync(modules, { recursive: true });
    }
  }
  const onV1 = spawnSync('grep', ['-qw', 'cgroup', '/proc/self/mounts']).status === 0;
  it('the kernel lacks overlayfs', () => {
    const said = runWith('/proc/filesystems', 'nodev\tproc\n');
    expect(said.what, said.all).toBe('this kernel lacks what containers need: overlayfs (CONFIG_OVERLAY_FS)');
    expect(said.todo).toMatch(/distribution kernel/);
    expect(said.code).toBe(1);
  });
  it.skipIf(!onV1)('the kernel has no memory controller', () => {
    const said = runWith('/proc/cgroups', noMemory);
    expect(said.what, said.all).toBe('this kernel lacks what containers need: the cgroup controller memory');
    expect(said.code).toBe(1);
  });
});

describe('the engine', () => {
  it.each([
    ['there is no sudo', undefined, /not root and there is no sudo/],
    ['sudo wants a password', 'exit 1', /sudo asks for a password, and there is no terminal/],
  ])('is not started for who is not root, where %s', (_, sudo, why) => {
    fake('id', user);
    fake('sudo', sudo);
    const said = run('start-engine.sh');
    expect(said.what, said.all).toBe('the engine is not running, and starting it needs root');
    expect(said.why).toMatch(why);
    expect(said.todo).toContain('bin/berth engine --socket /run/berth/engine.sock --root /var/lib/berth');
    expect(said.code).toBe(1);
  });
  it('is left to Berth itself by root', () => expect(run('start-engine.sh').code).toBe(0));
});
