import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dockerFixture } from '../../docker-cli-fixture.ts';
import { splitDevice } from '../../runtime/spec/spec-resources.ts';
import { busyboxImage } from '../busybox-image.ts';
import type { TestEngineOptions } from '../engine.ts';
import { pushImage } from '../push.ts';
import { wordsOf, type Bench, type OptionRow, type Words } from './row.ts';

/** An image that says something about all that an option can override. */
const RICH = {
  layers: [
    [
      { name: 'seed/', type: 'dir' as const, mode: 0o755 },
      { name: 'seed/file', content: 'from the image\n' },
      { name: 'seed/sub/', type: 'dir' as const, mode: 0o755 },
      { name: 'seed/sub/deep', content: 'deep\n' },
    ],
  ],
  config: {
    Entrypoint: ['echo', 'entry'],
    Cmd: ['command'],
    Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'COLOUR=red'],
    WorkingDir: '/seed',
    Volumes: { '/declared': {} },
    ExposedPorts: { '81/tcp': {}, '82/udp': {} },
    Labels: { origin: 'image' },
    StopSignal: 'SIGUSR1',
    Healthcheck: { Test: ['CMD', 'false'], Interval: 100_000_000, Retries: 1 },
  },
};

async function makeBench(options: TestEngineOptions): Promise<Bench> {
  const fixture = await dockerFixture(options);
  try {
    const host = fixture.image.slice(0, fixture.image.indexOf('/'));
    const rich = await pushImage(host, 'rich', '1', busyboxImage(RICH));
    await fixture.ok('pull', '-q', rich);
    const directory = await mkdtemp(join(tmpdir(), 'berth-rows-'));
    const sh: Bench['sh'] = (opts: Words, script, execOptions) =>
      fixture.docker(
        ['run', '--rm', '--network', 'none', ...wordsOf(opts), fixture.image, 'sh', '-c', script],
        execOptions,
      );
    const out: Bench['out'] = async (opts, script) => {
      const { code, stdout, stderr } = await sh(opts, script);
      if (code !== 0) throw new Error(`${wordsOf(opts).join(' ')}: ${script}: exit code ${code}: ${stderr}`);
      return stdout;
    };
    return {
      ...fixture,
      rich,
      directory,
      disk: await hostDisk(directory),
      sh,
      out,
      close: async () => {
        await fixture.close();
        await rm(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await fixture.close();
    throw error;
  }
}

/** The whole disk, since nothing less can be throttled. */
async function hostDisk(directory: string): Promise<Bench['disk']> {
  const { major, minor } = splitDevice((await stat(directory)).dev);
  const own = await realpath(`/sys/dev/block/${major}:${minor}`);
  const whole = existsSync(join(own, 'partition')) ? dirname(own) : own;
  const numbers = (await readFile(join(whole, 'dev'), 'utf8')).trim();
  return { path: `/dev/${basename(whole)}`, numbers };
}

/** Long names in `docker run --help`, lines like "  -c, --cpu-shares int   CPU shares". */
export function clientOptions(): string[] {
  // With an engine to be asked, the client leaves out what is for engines on Windows.
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent', DOCKER_HOST: 'unix:///nonexistent.sock' };
  const help = execFileSync('docker', ['run', '--help'], { encoding: 'utf8', env });
  return help.split('\n').flatMap((line) => /^ +(?:-\w, +)?--([a-z0-9-]+)/.exec(line)?.[1] ?? []);
}

/** Makes a test of every row, all on one engine. */
export function testRows(theme: string, rows: readonly OptionRow[], options: TestEngineOptions = {}): void {
  describe(`docker run: ${theme}`, () => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await makeBench(options);
    });
    afterAll(() => bench?.close());
    const known = clientOptions();
    const isOld = !known.includes('annotation');
    for (const row of rows)
      // An older client has not all of them.
      it.skipIf((row.modern && isOld) || row.option.split(' ').some((option) => !known.includes(option)))(
        `--${row.option.split(' ').join(', --')} ${row.does}`,
        () => (row.check ? row.check(bench) : runRow(bench, row)),
      );
  });
}

async function runRow(bench: Bench, row: OptionRow): Promise<void> {
  const opts = typeof row.opts === 'function' ? row.opts(bench) : (row.opts ?? '');
  const { code, stdout, stderr } = await bench.sh(opts, row.script ?? 'true');
  expect({ code, stderr }).toMatchObject({ code: row.code ?? 0 });
  if (typeof row.out === 'string') expect(stdout).toBe(row.out);
  else if (row.out) expect(stdout).toMatch(row.out);
  if (typeof row.err === 'string') expect(stderr).toContain(row.err);
  else if (row.err) expect(stderr).toMatch(row.err);
}
