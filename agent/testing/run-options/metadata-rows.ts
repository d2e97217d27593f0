import { writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { eventually } from '../../docker-cli-fixture.ts';
import { inspect, refuses, shows, type Bench, type OptionRow } from './row.ts';

const labelled = (b: Bench, label: string) => b.ok('ps', '-aq', '--no-trunc', '--filter', `label=${label}`);

/** The word that a client's health options give a container, waited for. */
async function health(b: Bench, opts: string[], status: string, image = b.image) {
  const id = await b.ok('run', '-d', '--network', 'none', '--entrypoint', 'sleep', ...opts, image, '100');
  await eventually(
    () => inspect(b, id, '.State.Health.Status'),
    (now) => now === status,
    `health ${status}`,
  );
  const log = (await inspect(b, id, '.State.Health.Log')) as { Start: string; End: string; ExitCode: number }[];
  await b.ok('rm', '-f', id);
  return log;
}
const often = ['--health-interval', '100ms'];

/** What a container is called, made from and watched by. */
/* prettier-ignore */
export const METADATA_ROWS: readonly OptionRow[] = [
  {
    option: 'label label-file',
    does: 'are found by, over those of the image',
    check: async (b) => {
      const file = join(b.directory, 'labels');
      await writeFile(file, 'from=file\norigin=file\n# no label\n');
      const id = await b.ok('run', '-d', '--network', 'none', '-l', 'a=b=c', '-l', 'bare', '--label-file', file, b.rich);
      expect(await labelled(b, 'a=b=c')).toBe(id);
      expect(await inspect(b, id, '.Config.Labels')).toEqual({ a: 'b=c', bare: '', from: 'file', origin: 'file' });
      await b.ok('rm', '-f', id);
    },
  },
  {
    option: 'annotation',
    does: 'reaches the runtime',
    check: async (b) => {
      const id = await b.ok('run', '-d', '--network', 'none', '--annotation', 'quay.side=north', b.image, 'sleep', '100');
      const pid = String(await inspect(b, id, '.State.Pid'));
      const conmon = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[3] as string;
      const argv = readFileSync(`/proc/${conmon}/cmdline`, 'utf8').split('\0');
      const bundle = argv[argv.indexOf('-b') + 1] ?? argv[argv.indexOf('--bundle') + 1] ?? '';
      expect(JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'))).toMatchObject({ annotations: { 'quay.side': 'north' } });
      expect(await inspect(b, id, '.HostConfig.Annotations')).toEqual({ 'quay.side': 'north' });
      await b.ok('rm', '-f', id);
    },
  },
  refuses('annotation', 'has a name', '--annotation =x', /invalid.*annotation|annotation.*not permitted|empty string/i),
  {
    option: 'pull quiet',
    does: 'fetch anew, or not at all, and say nothing',
    check: async (b) => {
      const run = (...opts: string[]) => b.docker(['run', '--rm', '--network', 'none', ...opts, 'true']);
      expect((await run('--pull', 'always', b.image)).stderr).toContain('Status: Image is up to date');
      expect(await run('--pull', 'always', '-q', b.image)).toMatchObject({ code: 0, stderr: '' });
      expect((await run(b.image)).stderr).toBe('');
      const elsewhere = `${b.image.split('/')[0]}/nowhere:1`;
      expect(await run('--pull', 'never', elsewhere)).toMatchObject({ code: 125, stderr: expect.stringContaining(`No such image: ${elsewhere}`) });
      expect((await run('--pull', 'missing', elsewhere)).stderr).toContain(`Unable to find image '${elsewhere}' locally`);
    },
  },
  shows('platform', 'may be the own one', '--platform linux', 'uname', 'Linux'),
  refuses('platform', 'of another machine is not what is stored', '--pull never --platform linux/s390x', /platform \(linux\/\w+\) does not match the specified platform \(linux\/s390x\)/),
  refuses('platform', 'has a form', '--platform a/b/c/d', /cannot parse platform|invalid platform|is an invalid|unknown operating system/),
  shows('disable-content-trust', 'is how it is anyway', '--disable-content-trust', 'echo ran', 'ran'),
  shows('isolation', 'is the one there is', '--isolation default', 'echo ran', 'ran'),
  refuses('isolation', 'is of no other kind', '--isolation hyperv', "invalid isolation (hyperv): linux only supports 'default'"),
  {
    option: 'runtime',
    does: 'makes the process: each leaves files of its own',
    check: async (b) => {
      const runtimes = JSON.parse(await b.ok('info', '-f', '{{json .Runtimes}}')) as Record<string, unknown>;
      const state = { crun: 'status', runc: 'state.json' } as const;
      for (const name of ['crun', 'runc'] as const) {
        if (!(name in runtimes)) continue;
        const id = await b.ok('run', '-d', '--network', 'none', '--runtime', name, '--init', '--stop-signal', 'KILL', b.image, 'sleep', '100');
        expect(existsSync(join(b.engine.runDir, 'runtime', id, state[name])), name).toBe(true);
        expect(await b.ok('exec', id, 'id', '-u')).toBe('0');
        await b.ok('restart', id);
        expect(await b.ok('exec', id, 'hostname')).toBe(id.slice(0, 12));
        await b.ok('rm', '-f', id);
        expect(existsSync(join(b.engine.runDir, 'runtime', id))).toBe(false);
      }
      expect(await b.out('--runtime io.containerd.runc.v2', 'echo ran')).toBe('ran');
    },
  },
  refuses('runtime', 'must be known', '--runtime sandboxed', /unknown or invalid runtime name: sandboxed/),
  {
    option: 'health-cmd health-interval health-retries health-timeout',
    does: 'watch it',
    check: async (b) => {
      expect((await health(b, [...often, '--health-cmd', 'test $$ -gt 1', '--health-retries', '1'], 'healthy'))[0]).toMatchObject({ ExitCode: 0 });
      const log = await health(b, [...often, '--health-cmd', 'exit 3', '--health-retries', '2'], 'unhealthy');
      expect(log.length).toBeGreaterThanOrEqual(2);
      expect(log[0]).toMatchObject({ ExitCode: 3 });
      const late = await health(b, [...often, '--health-cmd', 'sleep 30', '--health-timeout', '200ms', '--health-retries', '1'], 'unhealthy');
      expect(late[0]).toMatchObject({ ExitCode: -1 });
    },
  },
  {
    option: 'health-start-period health-start-interval',
    does: 'forgive failures at first, and ask more often',
    check: async (b) => {
      const opts = ['--health-cmd', 'test -e /ready', '--health-interval', '60s', '--health-start-period', '60s', '--health-start-interval', '100ms', '--health-retries', '1'];
      const id = await b.ok('run', '-d', '--network', 'none', ...opts, b.image, 'sleep', '100');
      await eventually(() => inspect(b, id, '.State.Health.Log'), (log) => (log as []).length > 1, 'checks that fail');
      expect(await inspect(b, id, '.State.Health.Status')).toBe('starting');
      await b.ok('exec', id, 'touch', '/ready');
      await eventually(() => inspect(b, id, '.State.Health.Status'), (now) => now === 'healthy', 'health');
      await b.ok('rm', '-f', id);
    },
  },
  {
    option: 'no-healthcheck',
    does: 'leaves out the image’s',
    check: async (b) => {
      await health(b, [], 'unhealthy', b.rich);
      const id = await b.ok('run', '-d', '--network', 'none', '--no-healthcheck', b.rich);
      expect(await inspect(b, id, '.State.Health')).toBe(null);
      await b.ok('rm', '-f', id);
    },
  },
  refuses('no-healthcheck', 'excludes --health-cmd', '--no-healthcheck --health-cmd true', '--no-healthcheck conflicts with --health-* options'),
  refuses('health-interval', 'is 1 ms or more', '--health-cmd true --health-interval 1ns', 'Interval in Healthcheck cannot be less than 1ms'),
  refuses('health-retries', 'cannot be negative', '--health-cmd true --health-retries -1', '--health-retries cannot be negative'),
  {
    option: 'log-driver',
    does: 'keeps what it says, or not',
    check: async (b) => {
      for (const driver of ['json-file', 'local', 'none']) {
        await b.ok('run', '--name', `log-${driver}`, '--network', 'none', '--log-driver', driver, b.image, 'echo', 'said');
        const logs = await b.docker(['logs', `log-${driver}`]);
        if (driver === 'none') expect(logs).toMatchObject({ code: 1, stderr: expect.stringContaining('configured logging driver does not support reading') });
        else expect(logs.stdout).toBe('said');
        await b.ok('rm', `log-${driver}`);
      }
    },
  },
  refuses('log-driver', 'must be known', '--log-driver smoke', /log driver named 'smoke' is registered/),
  {
    option: 'log-opt',
    does: 'bounds what is kept',
    check: async (b) => {
      const opts = ['--log-opt', 'max-size=10k', '--log-opt', 'max-file=1'];
      await b.ok('run', '-d', '--name', 'wordy', '--network', 'none', ...opts, b.image, 'sh', '-c', 'seq 1 20000; sleep 100');
      await eventually(async () => (await b.ok('logs', 'wordy')).length, (length) => length < 50_000, 'a log cut short', 20_000);
      await b.ok('rm', '-f', 'wordy');
    },
  },
  refuses('log-opt', 'must be known', '--log-opt colour=red', "unknown log opt 'colour' for json-file log driver"),
];
