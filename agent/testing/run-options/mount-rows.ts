import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { inspect, refuses, shows, type Bench, type OptionRow } from './row.ts';

/** A directory of the host with a file in it. */
async function made(b: Bench, name: string): Promise<string> {
  const path = join(b.directory, name);
  await mkdir(join(path, 'sub'), { recursive: true });
  await writeFile(join(path, 'file'), `in ${name}\n`);
  return path;
}
const optionsOf = (path: string) => `grep " ${path} " /proc/self/mountinfo | cut -d " " -f 6-9`;

/** What a container sees of other file systems. */
/* prettier-ignore */
export const MOUNT_ROWS: readonly OptionRow[] = [
  {
    option: 'volume',
    does: 'binds a directory of the host, or makes it',
    check: async (b) => {
      const path = await made(b, 'bound');
      expect(await b.out(`-v ${path}:/d`, 'cat /d/file; echo back > /d/back')).toBe('in bound');
      expect(await readFile(join(path, 'back'), 'utf8')).toBe('back\n');
      await b.out(`-v ${b.directory}/new/one:/d`, 'touch /d/here');
      expect(existsSync(join(b.directory, 'new/one/here'))).toBe(true);
    },
  },
  {
    option: 'volume',
    does: 'takes ro and rw, z and Z, consistency and propagation',
    check: async (b) => {
      const path = await made(b, 'moded');
      expect((await b.sh(`-v ${path}:/d:ro`, 'touch /d/x')).stderr).toContain('Read-only file system');
      for (const mode of ['rw', 'z', 'Z', 'cached', 'delegated', 'consistent', 'rw,z', 'private', 'rprivate', 'Z,delegated'])
        expect(await b.out(`-v ${path}:/d:${mode}`, 'touch /d/x && echo ok'), mode).toBe('ok');
    },
  },
  refuses('volume', 'knows its modes', '-v /tmp:/d:rx', 'invalid mode: rx'),
  refuses('volume', 'takes one mode of a kind', '-v /tmp:/d:ro,rw', 'invalid mode: ro,rw'),
  refuses('volume', 'is no root', '-v /tmp:/', "invalid specification: destination can't be '/'"),
  refuses('volume', 'has an absolute target', '-v /tmp:d', "invalid mount path: 'd' mount path must be absolute"),
  refuses('volume', 'has one target each', '-v /tmp:/d -v /etc:/d/', 'Duplicate mount point: /d'),
  {
    option: 'volume',
    does: 'fills a new volume from the image unless told nocopy',
    check: async (b) => {
      const run = (...args: string[]) => b.ok('run', '--rm', '--network', 'none', '--entrypoint', 'sh', ...args);
      expect(await run('-v', 'filled:/seed', b.rich, '-c', 'cat /seed/file /seed/sub/deep')).toBe('from the image\ndeep');
      expect(await run('-v', 'bare:/seed:nocopy', b.rich, '-c', 'ls /seed')).toBe('');
      expect(await run('-v', 'filled:/other', b.rich, '-c', 'ls /other')).toBe('file\nsub');
      await b.ok('volume', 'rm', 'filled', 'bare');
    },
  },
  shows('volume', 'without a source is a volume of its own', '-v /own', `touch /own/x && ${optionsOf('/own')}`, /^rw/),
  {
    option: 'volume-driver',
    does: 'is the one there is',
    check: async (b) => {
      await b.out('--volume-driver local -v drv:/d', 'true');
      expect(await b.ok('volume', 'inspect', '-f', '{{.Driver}}', 'drv')).toBe('local');
      await b.ok('volume', 'rm', 'drv');
    },
  },
  refuses('volume-driver', 'must be there', '--volume-driver tank -v other:/d', 'error looking up volume plugin tank: plugin "tank" not found'),
  {
    option: 'volumes-from',
    does: 'brings the mounts of others, the later over the earlier, its own over all',
    check: async (b) => {
      const [one, two, own] = [await made(b, 'one'), await made(b, 'two'), await made(b, 'own')];
      await b.ok('create', '--name', 'first', '-v', `${one}:/a`, '-v', `${one}:/b`, '-v', '/anon', b.image);
      await b.ok('create', '--name', 'second', '-v', `${two}:/b`, '-v', `${two}:/c`, '-v', `${two}:/ro:ro`, b.image);
      const opts = `--volumes-from first --volumes-from second -v ${own}:/c`;
      expect(await b.out(opts, 'cat /a/file /b/file /c/file; touch /anon/x && touch /a/x && echo written')).toBe('in one\nin two\nin own\nwritten');
      expect((await b.sh(opts, 'touch /ro/x')).stderr).toContain('Read-only file system');
      expect((await b.sh('--volumes-from first:ro', 'touch /a/x')).stderr).toContain('Read-only file system');
      expect(await b.out('--volumes-from first:rw,z', 'touch /a/x && echo ok')).toBe('ok');
      await b.ok('rm', '-v', 'first', 'second');
    },
  },
  refuses('volumes-from', 'must be there', '--volumes-from nobody', 'No such container: nobody'),
  refuses('volumes-from', 'knows its modes', '--volumes-from nobody:rx', 'invalid mode: rx'),
  shows('tmpfs', 'is memory, with options', '--tmpfs /t:size=1m,mode=700,uid=5,exec', `stat -c %a,%u /t; df -k /t | tail -n 1 | tr -s " " | cut -d " " -f 2; ${optionsOf('/t')}`, /^700,5\n1024\nrw,nosuid,nodev(,relatime)?( |$)/),
  shows('tmpfs', 'is not to be run from, unless told', '--tmpfs /t', optionsOf('/t'), /nosuid,nodev,noexec/),
  shows('tmpfs', 'is empty but keeps the place’s mode', '--tmpfs /tmp', 'ls -A /tmp; stat -c %a /tmp', '1777'),
  refuses('tmpfs', 'knows its options', '--tmpfs /t:colour=red', 'invalid tmpfs option'),
  refuses('tmpfs', 'has an absolute target', '--tmpfs t', "invalid mount path: 't' mount path must be absolute"),
  {
    modern: true, option: 'mount',
    does: 'binds, for reading only with all below, or not',
    check: async (b) => {
      const path = await made(b, 'mounted');
      const bind = `type=bind,src=${path},dst=/d`;
      expect(await b.out(`--mount ${bind}`, 'cat /d/file; touch /d/x && echo ok')).toBe('in mounted\nok');
      expect((await b.sh(`--mount ${bind},readonly`, 'touch /d/y')).stderr).toContain('Read-only file system');
      expect((await b.sh(`--mount ${bind},ro,bind-recursive=disabled`, 'touch /d/y')).stderr).toContain('Read-only file system');
      const below = [`--mount`, bind, '--mount', 'type=tmpfs,dst=/d/sub'];
      expect(await b.out(below, 'touch /d/sub/x; ls /d/sub')).toBe('x');
    },
  },
  {
    modern: true, option: 'mount',
    does: 'binds what is mounted below too, or not, for reading only or not',
    check: async (b) => {
      // /dev/shm is a file system of its own on every machine.
      const [bind, touch] = ['--mount type=bind,src=/dev,dst=/d,readonly', `touch /d/shm/berth-rows-${process.pid}`];
      expect((await b.sh(bind, touch)).stderr).toContain('Read-only file system');
      expect((await b.sh(`${bind},bind-propagation=rprivate,bind-recursive=readonly`, touch)).stderr).toContain('Read-only file system');
      expect(await b.out(`${bind},bind-recursive=writable`, `${touch} && rm /d/shm/berth-rows-${process.pid} && touch /d/x 2>/dev/null || echo above`)).toBe('above');
      expect(await b.out(`${bind},bind-recursive=disabled`, 'grep -c " /d/shm " /proc/mounts || true')).toBe('0');
    },
  },
  refuses('mount', 'knows its propagations', '--mount type=bind,src=/tmp,dst=/d,bind-propagation=loud', 'invalid propagation mode: loud'),
  refuses('mount', 'takes the options of its kind only', '--mount type=bind,src=/tmp,dst=/d,volume-nocopy', "cannot mix 'volume-*' options with mount type 'bind'"),
  refuses('volume', 'has no propagation', '-v named:/d:shared', 'field BindOptions must not be specified'),
  refuses('mount', 'binds only what is there', '--mount type=bind,src=/no/such,dst=/d', 'bind source path does not exist: /no/such'),
  refuses('mount', 'knows its kinds', '--mount type=steam,dst=/d', /mount type unknown|unsupported mount type|invalid/),
  {
    modern: true, option: 'mount',
    does: 'makes volumes with labels, options, a subpath, with or without the image’s files',
    check: async (b) => {
      const run = (...args: string[]) => b.ok('run', '--rm', '--network', 'none', '--entrypoint', 'sh', ...args);
      expect(await run('--mount', 'type=volume,src=vol,dst=/seed,volume-label=a=b,volume-nocopy', b.rich, '-c', 'ls /seed; mkdir -p /seed/in/side; echo deep > /seed/in/side/f')).toBe('');
      expect(await b.ok('volume', 'inspect', '-f', '{{.Labels.a}}', 'vol')).toBe('b');
      expect(await run('--mount', 'type=volume,src=vol,dst=/s,volume-subpath=in/side,ro', b.rich, '-c', 'cat /s/f; touch /s/x 2>/dev/null || echo kept')).toBe('deep\nkept');
      expect((await b.sh('--mount type=volume,src=vol,dst=/s,volume-subpath=../x', 'true')).code).toBe(125);
      expect((await b.sh('--mount type=volume,src=vol,dst=/s,volume-subpath=not/there', 'true')).stderr).toMatch(/cannot access path|no such file/);
      // What is there when it starts counts, and no link leads out.
      await b.ok('create', '--name', 'later', '--mount', 'type=volume,src=vol,dst=/s,volume-subpath=late', b.image, 'ls', '/s');
      await b.sh('-v vol:/v', 'mkdir /v/late; touch /v/late/x; ln -s / /v/out; ln -s late /v/fine');
      expect(await b.ok('start', '-a', 'later')).toBe('x');
      await b.ok('rm', 'later');
      expect((await b.sh('--mount type=volume,src=vol,dst=/s,volume-subpath=fine', 'ls /s')).stdout.trim()).toBe('x');
      expect((await b.sh('--mount type=volume,src=vol,dst=/s,volume-subpath=out', 'true')).stderr).toContain('escapes the base directory');
      expect(await run('--mount', 'type=volume,src=ram,dst=/r,"volume-opt=type=tmpfs","volume-opt=device=tmpfs","volume-opt=o=size=2m,uid=9"', b.rich, '-c', 'stat -c %u /r; df -k /r | tail -n 1 | tr -s " " | cut -d " " -f 2')).toBe('9\n2048');
      await b.ok('volume', 'rm', 'vol', 'ram');
    },
  },
  shows('mount', 'gives memory of a size and mode', '--mount type=tmpfs,dst=/t,tmpfs-size=3m,tmpfs-mode=711', 'stat -c %a /t; df -k /t | tail -n 1 | tr -s " " | cut -d " " -f 2', '711\n3072'),
  {
    modern: true, option: 'mount',
    does: 'shows the files of an image',
    check: async (b) => {
      const mount = (more = '') => `--mount type=image,src=${b.rich},dst=/i${more}`;
      expect(await b.out(mount(), 'cat /i/seed/file; touch /i/x 2>/dev/null || echo kept')).toBe('from the image\nkept');
      expect(await b.out(mount(',image-subpath=seed/sub'), 'ls /i')).toBe('deep');
      expect((await b.sh(mount().replace('rich:1', 'poor:1'), 'true')).stderr).toContain('No such image');
      const id = await b.ok('create', '--mount', `type=image,src=${b.rich},dst=/i`, b.image);
      expect(await inspect(b, id, '.Mounts')).toMatchObject([{ Type: 'image', Name: b.rich, Destination: '/i', RW: false }]);
      await b.ok('rm', id);
    },
  },
  {
    option: 'read-only',
    does: 'leaves the mounts writable',
    opts: '--read-only --tmpfs /t -v /v',
    script: '(echo a > /file) 2>&1; echo b > /t/f; echo c > /v/f; echo d > /dev/shm/f; cat /t/f /v/f /dev/shm/f',
    out: /Read-only file system\nb\nc\nd$/,
  },
  refuses('storage-opt', 'has a size only where the disk keeps quotas', '--storage-opt size=10G', "--storage-opt is supported only for overlay over xfs with 'pquota' mount option"),
  refuses('storage-opt', 'knows its options', '--storage-opt colour=red', /[Uu]nknown option colour/),
  {
    option: 'use-api-socket',
    does: 'gives the engine’s own socket',
    check: async (b) => {
      const { stdout, stderr } = await b.sh('--use-api-socket', 'test -S /var/run/docker.sock && echo socket');
      expect(stdout, stderr).toBe('socket');
      const { existsSync } = await import('node:fs');
      if (existsSync('/var/run/docker.sock')) return;
      expect(await b.out('-v /var/run/docker.sock:/run/engine.sock', 'test -S /run/engine.sock && echo socket')).toBe('socket');
      expect(existsSync('/var/run/docker.sock')).toBe(false);
    },
  },
];
