import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { eventually } from '../../docker-cli-fixture.ts';
import { inspect, type Bench, type OptionRow } from './row.ts';

/** docker run in the foreground, told SIGTERM when the container has said "ready". */
async function terminated(bench: Bench, name: string, ...opts: string[]) {
  const script =
    'trap "echo trapped; exit 3" TERM; echo ready; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done; exit 9';
  const argv = ['run', '--name', name, '--network', 'none', ...opts, bench.image, 'sh', '-c', script];
  const child = spawn('docker', argv, {
    env: { PATH: process.env['PATH'], HOME: bench.directory, DOCKER_HOST: `unix://${bench.engine.socket}` },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  const [code, signal] = (await exited) as [number | null, string | null];
  return { code, signal };
}

/** How a container's main process starts and ends, and who it is. */
export const PROCESS_ROWS: readonly OptionRow[] = [
  {
    option: 'help',
    does: 'tells of itself',
    check: async (b) => expect(await b.ok('run', '--help')).toContain('Usage:'),
  },
  {
    option: 'attach',
    does: 'hands on the streams named and no other',
    opts: '-a stderr',
    script: 'echo out; echo err >&2',
    out: '',
    err: /^err$/m,
  },
  {
    modern: true,
    option: 'attach',
    does: 'takes stdin alone',
    check: async (b) => {
      const argv = ['run', '-i', '-a', 'stdin', '--name', 'eater', '--network', 'none', b.image, 'cat'];
      expect((await b.docker(argv, { input: 'eaten' })).stdout).toBe('');
      await b.ok('wait', 'eater');
      expect(await b.ok('logs', 'eater')).toBe('eaten');
      await b.ok('rm', 'eater');
    },
  },
  {
    option: 'detach',
    does: 'prints the id and leaves the container running',
    check: async (b) => {
      const id = await b.ok('run', '-d', '--rm', '--network', 'none', b.image, 'sleep', '100');
      expect(id).toMatch(/^[0-9a-f]{64}$/);
      expect(await b.ok('exec', id, 'cat', '/proc/1/cmdline')).toBe('sleep\u0000100\u0000');
      await b.ok('rm', '-f', id);
    },
  },
  {
    option: 'detach-keys',
    does: 'detaches by the keys given',
    check: async (b) => {
      const { code } = await b.inTerminal(
        `run -it --rm --name left --network none --detach-keys ctrl-x,x ${b.image} sh`,
        '\x18x',
      );
      expect(code).toBe(0);
      expect(await inspect(b, 'left', '.State.Running')).toBe(true);
      await b.ok('rm', '-f', 'left');
    },
  },
  {
    option: 'interactive',
    does: 'hands on stdin; without it there is none',
    check: async (b) => {
      expect((await b.sh('-i', 'wc -c', { input: '12345' })).stdout).toBe('5');
      expect((await b.sh('', 'wc -c', { input: '12345' })).stdout).toBe('0');
    },
  },
  {
    option: 'tty',
    does: 'gives a terminal',
    opts: '-t',
    script: 'tty; echo $TERM',
    out: /^\/dev\/(pts\/0|console)\r?\nxterm$/,
  },
  { option: 'tty', does: 'is needed for one', script: 'tty', code: 1, out: 'not a tty' },
  {
    option: 'sig-proxy',
    does: 'hands signals on to the process',
    check: async (b) => {
      expect(await terminated(b, 'signalled')).toEqual({ code: 3, signal: null });
      expect(await b.ok('logs', 'signalled')).toBe('ready\ntrapped');
      await b.ok('rm', 'signalled');
    },
  },
  {
    option: 'sig-proxy',
    does: 'set to false keeps them from it',
    check: async (b) => {
      await terminated(b, 'spared', '--sig-proxy=false');
      expect(await b.ok('wait', 'spared')).toBe('9');
      expect(await b.ok('logs', 'spared')).toBe('ready');
      await b.ok('rm', 'spared');
    },
  },
  {
    option: 'entrypoint',
    does: 'takes the place of the image’s, and of its command',
    check: async (b) => {
      const run = async (...args: string[]) => (await b.docker(['run', '--rm', '--network', 'none', ...args])).stdout;
      expect(await run(b.rich)).toBe('entry command');
      expect(await run(b.rich, 'other')).toBe('entry other');
      expect(await run('--entrypoint', 'pwd', b.rich)).toBe('/seed');
      expect(await run('--entrypoint', 'cat', b.rich, 'file')).toBe('from the image');
    },
  },
  {
    option: 'entrypoint',
    does: 'given as "" leaves the command alone, which then must be given',
    check: async (b) => {
      const reset = ['run', '--rm', '--network', 'none', '--entrypoint', '', b.rich];
      expect((await b.docker([...reset, 'echo', 'bare'])).stdout).toBe('bare');
      expect(await b.docker(reset)).toMatchObject({
        code: 125,
        stderr: expect.stringContaining('no command specified'),
      });
    },
  },
  {
    option: 'env',
    does: 'sets, overrides, takes over and takes away variables',
    check: async (b) => {
      const opts = ['-e', 'A=b c', '-e', 'EMPTY=', '-e', 'FROM_HERE', '-e', 'NOT_HERE', '-e', 'COLOUR'];
      const argv = ['run', '--rm', '--network', 'none', ...opts, '--entrypoint', 'env', b.rich];
      const { stdout } = await b.docker(argv, { env: { FROM_HERE: 'here' } });
      const lines = stdout.split('\n');
      expect(lines).toEqual(expect.arrayContaining(['A=b c', 'EMPTY=', 'FROM_HERE=here']));
      expect(lines.filter((line) => /^(NOT_HERE|COLOUR)/.test(line))).toEqual([]);
      expect(lines.map((line) => line.split('=')[0])).toEqual(expect.arrayContaining(['PATH', 'HOSTNAME', 'HOME']));
    },
  },
  {
    option: 'env-file',
    does: 'reads variables, --env over them',
    check: async (b) => {
      const file = join(b.directory, 'env');
      await writeFile(file, '# comment\nONE=1\nTWO=two words\nONLY_NAME\n');
      expect(await b.out(`--env-file ${file} -e ONE=one`, 'echo "$ONE,$TWO,${ONLY_NAME-unset}"')).toBe(
        'one,two words,unset',
      );
    },
  },
  {
    option: 'init',
    does: 'runs an init that reaps and passes signals on',
    opts: '--init',
    script: 'tr "\\0" " " </proc/1/cmdline; (sleep 0.01 &); sleep 0.2; grep -l "^State:.Z" /proc/[0-9]*/status',
    code: 1,
    out: /^\/sbin\/docker-init -- sh [^\n]*$/,
  },
  {
    option: 'name',
    does: 'names it',
    check: async (b) => {
      await b.ok('run', '--name', 'called.so-1', '--network', 'none', b.image, 'true');
      expect(await b.ok('ps', '-a', '--filter', 'name=^called.so-1$', '--format', '{{.Names}}')).toBe('called.so-1');
      await b.ok('rm', 'called.so-1');
    },
  },
  {
    option: 'cidfile',
    does: 'is written, and never overwritten',
    check: async (b) => {
      const file = join(b.directory, 'cid');
      const id = await b.ok('run', '-d', '--network', 'none', '--cidfile', file, b.image, 'true');
      expect(await readFile(file, 'utf8')).toBe(id);
      expect((await b.sh(`--cidfile ${file}`, 'true')).stderr).toContain('container ID file found');
      expect(await inspect(b, id, '.HostConfig.ContainerIDFile')).toBe(file);
      await b.ok('rm', '-f', id);
    },
  },
  {
    option: 'rm',
    does: 'removes it and its anonymous volumes',
    check: async (b) => {
      const before = await b.ok('volume', 'ls', '-q');
      await b.ok(
        'run',
        '--rm',
        '--name',
        'gone',
        '--network',
        'none',
        '-v',
        '/anonymous',
        '-v',
        'kept:/named',
        b.image,
        'true',
      );
      expect(await b.ok('ps', '-aq', '--filter', 'name=gone')).toBe('');
      expect(await b.ok('volume', 'ls', '-q')).toBe([before, 'kept'].filter(Boolean).join('\n'));
      await b.ok('volume', 'rm', 'kept');
    },
  },
  {
    option: 'restart',
    does: 'starts it again as often as asked',
    check: async (b) => {
      await b.ok(
        'run',
        '-d',
        '--name',
        'again',
        '--network',
        'none',
        '--restart',
        'on-failure:2',
        b.image,
        'sh',
        '-c',
        'echo run; exit 5',
      );
      await eventually(
        () => inspect(b, 'again', '.State.Status'),
        (status) => status === 'exited',
        'the end of restarts',
      );
      expect(await b.ok('logs', 'again')).toBe('run\nrun\nrun');
      expect(await inspect(b, 'again', '.RestartCount')).toBe(2);
      await b.ok('rm', 'again');
    },
  },
  {
    option: 'stop-signal',
    does: 'is what stop sends',
    check: async (b) => {
      await b.ok(
        'run',
        '-d',
        '--name',
        'usr',
        '--network',
        'none',
        '--stop-signal',
        'USR2',
        b.image,
        'sh',
        '-c',
        'trap "exit 42" USR2; while :; do sleep 0.05; done',
      );
      await b.ok('stop', 'usr');
      expect(await inspect(b, 'usr', '.State.ExitCode')).toBe(42);
      await b.ok('rm', 'usr');
    },
  },
  {
    option: 'stop-timeout',
    does: 'is how long stop waits before it kills',
    check: async (b) => {
      await b.ok(
        'run',
        '-d',
        '--name',
        'deaf',
        '--network',
        'none',
        '--stop-timeout',
        '1',
        b.image,
        'sh',
        '-c',
        'trap "" TERM; while :; do sleep 0.05; done',
      );
      const started = Date.now();
      await b.ok('stop', 'deaf');
      expect(Date.now() - started).toBeGreaterThan(900);
      expect(Date.now() - started).toBeLessThan(8000);
      expect(await inspect(b, 'deaf', '.State.ExitCode')).toBe(137);
      await b.ok('rm', 'deaf');
    },
  },
];
