import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dockerFixture, eventually, type DockerFixture } from './docker-cli-fixture.ts';

/** Put there by build/docker-clients.sh. */
const PLUGIN = fileURLToPath(new URL('../.berth/cli-plugins/docker-compose', import.meta.url));
const PROJECT = fileURLToPath(new URL('testing/compose-shop', import.meta.url));

let fixture: DockerFixture;
let env: Record<string, string>;
let subnet4: string;
let subnet6: string;
beforeAll(async () => {
  fixture = await dockerFixture();
  const plugins = join(fixture.engine.directory, '.docker/cli-plugins');
  await mkdir(plugins, { recursive: true });
  await symlink(PLUGIN, join(plugins, 'docker-compose'));
  // Others on the machine may run this too.
  [subnet4, subnet6] = [`10.${randomInt(216, 250)}.${randomInt(256)}`, `fdbe:${randomInt(65_536).toString(16)}:1`];
  env = { IMAGE: fixture.image, SUBNET4: subnet4, SUBNET6: subnet6, COMPOSE_PROJECT_NAME: 'shop' };
});
afterAll(() => fixture?.close());

const run = (...args: string[]) =>
  fixture.docker(['compose', '--progress', 'plain', ...args], { env, cwd: PROJECT, timeout: 60_000 });
async function compose(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  if (code !== 0) throw new Error(`docker compose ${args.join(' ')}: exit code ${code}: ${stderr}`);
  return stdout;
}
const inside = (service: string, command: string) => compose('exec', '-T', service, 'sh', '-c', command);
const states = async (...args: string[]) =>
  (await compose('ps', '-a', '--format', '{{.Service}} {{.State}}', ...args)).split('\n').sort();

/** One project from `up` to `down -v`: each test goes on from where the one before left it. */
describe('docker compose', () => {
  it('brings a project up in the order its conditions ask for', { timeout: 90_000 }, async () => {
    await fixture.ok('volume', 'create', 'outside');
    expect(await compose('config', '--services')).toContain('worker');
    await compose('up', '-d', '--wait-timeout', '60');
    expect(await states()).toEqual(['db running', 'seed exited', 'web running', 'worker running', 'worker running']);
    const at = async (container: string, field: string) =>
      Date.parse(await fixture.ok('inspect', '-f', `{{.State.${field}}}`, container));
    expect(await at('shop-web-1', 'StartedAt')).toBeGreaterThanOrEqual(await at('shop-seed-1', 'FinishedAt'));
    expect((await at('shop-web-1', 'StartedAt')) - (await at('shop-db-1', 'StartedAt'))).toBeGreaterThanOrEqual(1000);
    await compose('up', '-d', '--wait', 'web');
    expect(await compose('ps', 'web', '--format', '{{.Health}}')).toBe('healthy');
    // Nothing changed: nothing is made anew.
    const before = await compose('ps', '-q', 'web');
    await compose('up', '-d', 'web');
    expect(await compose('ps', '-q', 'web')).toBe(before);
  });

  it('gives services their files, environment, limits and volumes', async () => {
    expect(await inside('web', 'cat /data/seed /etc/app.conf /run/secrets/token /www/index.html')).toBe(
      'seeded\ngreeting=hi\ns3cret\nthe shop',
    );
    expect(await inside('web', 'echo $BASE $FROM_FILE $PRICE')).toBe('1 yes from-compose');
    expect(await inside('web', 'ulimit -n; cat /proc/sys/net/core/somaxconn; cat /proc/1/comm')).toMatch(
      /^512\n256\n(docker-init|tini)$/,
    );
    expect(await inside('web', "df -k /cache | awk 'END { print $2 }'; touch /scratch/x /anonymous/x && echo ok")).toBe(
      '1024\nok',
    );
    expect(await inside('web', 'echo no > /www/x 2>/dev/null || echo read-only; grep printer /etc/hosts')).toMatch(
      /^read-only\n192\.0\.2\.7\s+printer$/,
    );
    const host = JSON.parse(await fixture.ok('inspect', '-f', '{{json .HostConfig}}', 'shop-web-1')) as object;
    expect(host).toMatchObject({ NanoCpus: 5e8, Memory: 67108864, MemoryReservation: 33554432, PidsLimit: 50 });
    expect(await fixture.ok('volume', 'inspect', '-f', '{{.Labels.kind}}', 'shop_data')).toBe('stock');
    expect(await inside('db', 'touch /outside/x && echo ok')).toBe('ok');
  });

  it('connects services as their networks say', async () => {
    expect(await inside('web', 'nc db 5432 </dev/null; nc shop-db-1 5432 </dev/null')).toBe('pong\npong');
    expect(await inside('db', 'wget -qO- http://web/; ping -c1 -W2 web >/dev/null && echo found')).toBe(
      'the shop\nfound',
    );
    expect(await inside('db', 'ip -o address show dev eth0')).toMatch(
      new RegExp(`${subnet4}.10/24[^]*${subnet6}::10/64`),
    );
    expect(await inside('web', 'ip -4 -o address')).toContain(` ${subnet4}.1`);
    expect(await inside('worker', 'ip route; cat /sys/class/net/eth0/mtu')).toMatch(/^(?!.*default)[^]*\n1400$/);
    expect((await run('exec', '-T', 'worker', 'nslookup', 'db')).code).not.toBe(0);
    // Both replicas answer to the service's name.
    const found = await inside('worker', "nslookup -type=a worker | awk '/^Address: / { print $2 }' | sort -u");
    expect(found.split('\n')).toHaveLength(2);
    const web = `http://${await compose('port', 'web', '80')}/`;
    expect(await (await fetch(web)).text()).toBe('the shop\n');
    expect(await compose('port', '--protocol', 'udp', 'web', '90')).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it('shows logs, processes and events', async () => {
    const logs = async (...args: string[]) => (await compose('logs', '--no-color', ...args)).replaceAll('\x1b[2K', '');
    expect(await logs('--no-log-prefix', 'web')).toBe('serving\nwarning');
    expect(await logs('-n', '1', 'web')).toMatch(/^web-1\s+\| warning$/);
    expect(await compose('top', 'web')).toContain('httpd -f -p 80');
    expect(await compose('ls', '--format', 'json')).toContain('"Name":"shop"');
    expect(await compose('images', '-q')).toMatch(/^[0-9a-f]{12,64}(\n|$)/);
    const events = watchEvents();
    try {
      // It says nothing when it begins to listen.
      const pause = async () => {
        await compose('pause', 'worker');
        await compose('unpause', 'worker');
        return events.text();
      };
      const paused = /container pause [0-9a-f]{64} .*name=shop-worker-[12][^]*container unpause /;
      await eventually(pause, (text) => paused.test(text), 'events', 20_000);
    } finally {
      await events.end();
    }
  });

  it('copies files in and out', async () => {
    const file = join(fixture.engine.directory, 'note');
    await writeFile(file, 'a note');
    await compose('cp', file, 'web:/tmp/note');
    expect(await inside('web', 'cat /tmp/note')).toBe('a note');
    await compose('cp', 'web:/data/seed', `${file}.out`);
    expect(await readFile(`${file}.out`, 'utf8')).toBe('seeded\n');
  });

  it('runs one-off commands, with the dependencies and without a trace', async () => {
    expect(await compose('run', '--rm', '-T', '-e', 'EXTRA=more', 'web', 'sh', '-c', 'echo $EXTRA; nc db 5432')).toBe(
      'more\npong',
    );
    expect((await run('run', '--rm', '-T', '--no-deps', 'worker', 'sh', '-c', 'exit 3')).code).toBe(3);
    expect(await fixture.ok('ps', '-aq', '--filter', 'label=com.docker.compose.oneoff=True')).toBe('');
  });

  it('scales, stops, starts, restarts, kills and removes', async () => {
    await compose('scale', 'worker=3');
    expect(await states('worker')).toHaveLength(3);
    await compose('up', '-d', '--no-deps', '--scale', 'worker=1', 'worker');
    expect(await states('worker')).toEqual(['worker running']);
    await compose('stop', 'worker');
    expect(await states('worker')).toEqual(['worker exited']);
    await compose('start', 'worker');
    const started = await fixture.ok('inspect', '-f', '{{.State.StartedAt}}', 'shop-worker-1');
    await compose('restart', 'worker');
    expect(await fixture.ok('inspect', '-f', '{{.State.StartedAt}}', 'shop-worker-1')).not.toBe(started);
    await compose('kill', '-s', 'SIGKILL', 'worker');
    expect(await fixture.ok('inspect', '-f', '{{.State.ExitCode}}', 'shop-worker-1')).toBe('137');
    await compose('rm', '-f', 'worker');
    expect(await compose('ps', '-aq', 'worker')).toBe('');
    // A change of the service makes its container anew, the volume stays.
    await compose('up', '-d', '--no-deps', '--force-recreate', 'web');
    expect(await inside('web', 'cat /data/seed')).toBe('seeded');
  });

  it('pulls images, and starts the services of a profile only when asked', async () => {
    await compose('pull', '-q');
    expect(await states()).not.toContain('debug running');
    await compose('--profile', 'debug', 'up', '-d', '--no-deps', 'debug');
    expect(await inside('debug', 'wget -qO- http://127.0.0.1/')).toBe('the shop');
  });

  it('takes everything away but what is not its own', async () => {
    await compose('--profile', 'debug', 'down', '-v', '--remove-orphans');
    expect(await fixture.ok('ps', '-aq')).toBe('');
    expect(await fixture.ok('volume', 'ls', '-q')).toBe('outside');
    expect(await fixture.ok('network', 'ls', '-q', '--filter', 'type=custom')).toBe('');
  });
});

/** `docker compose events`, as far as it came. */
function watchEvents(): { text(): string; end(): Promise<void> } {
  const child: ChildProcess = spawn('docker', ['compose', 'events'], {
    cwd: PROJECT,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      PATH: process.env['PATH'],
      HOME: fixture.engine.directory,
      DOCKER_HOST: `unix://${fixture.engine.socket}`,
      ...env,
    },
  });
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return {
    text: () => text,
    end: () =>
      new Promise((done) => {
        child.once('exit', () => done());
        child.kill('SIGKILL');
      }),
  };
}
