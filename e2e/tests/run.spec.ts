import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../agent/testing/index.ts';
import { expect, test } from '../fixtures/berth.ts';

/** A file of the container's own control group, by its name on cgroup v2 or v1. */
const cgroup = (v2: string, v1: string) => `cat /sys/fs/cgroup/${v2} 2>/dev/null || cat /sys/fs/cgroup/${v1}`;

test('runs with most options, and each has its effect', async ({ run, containers, registries, docker, page }) => {
  const port = String(await freePort());
  const folder = await mkdtemp(join(tmpdir(), 'berth-bind-'));
  await chmod(folder, 0o777);
  await writeFile(join(folder, 'from-host'), 'seen inside\n', { mode: 0o644 });
  await docker('network', 'create', 'e2e-net');
  await docker('run', '-d', '--name', 'peer', '--network', 'e2e-net', registries.busybox, 'sleep', '1000');
  try {
    await containers.open();
    await run.open();
    await run.fill({
      image: registries.busybox,
      name: 'all-options',
      entrypoint: 'sh',
      command: "-c 'mkdir /data/w; echo hello from the window > /data/w/index.html; exec httpd -f -p 8080 -h /data/w'",
      workingDir: '/tmp',
      user: 'nobody',
    });
    await run.section(/^Ports/);
    await run.dialog.getByRole('button', { name: 'Publish a port' }).click();
    await run.fill({
      'ports.0.hostPort': port,
      'ports.0.containerPort': '8080',
      'ports.0.hostIp': '127.0.0.1',
      hostname: 'inside',
    });
    await run.field('network').selectOption('e2e-net');
    await run.section(/^Storage/);
    for (let at = 0; at < 3; at++) await run.dialog.getByRole('button', { name: 'Add a mount' }).click();
    await run.fill({ 'mounts.0.source': 'e2e-data', 'mounts.0.target': '/data' });
    await run.mount(1).getByLabel('Kind').selectOption('Folder');
    await run.fill({ 'mounts.1.source': folder, 'mounts.1.target': '/host' });
    await run.mount(2).getByLabel('Kind').selectOption('Memory');
    await run.fill({ 'mounts.2.target': '/scratch' });
    await run.section(/^Environment/);
    await run.dialog.getByRole('button', { name: 'Add a variable' }).click();
    await run.fill({ 'environment.0.name': 'GREETING', 'environment.0.value': 'hello world' });
    await run.section(/^Limits/);
    await run.fill({ memory: '64m', cpus: '0.5', cpuset: '0', pids: '20' });
    await run.section(/^Security/);
    await run.dialog.getByLabel('Read-only root').check();
    const line = (await run.dockerLine.textContent()) ?? '';
    await docker('volume', 'create', 'e2e-data');
    await docker('run', '--rm', '-v', 'e2e-data:/d', registries.busybox, 'chmod', '777', '/d');
    await run.run();
    await expect(run.dialog).toHaveCount(0);
    await expect(page).toHaveURL(/#\/containers\/[0-9a-f]{12,64}/);

    const inside = (script: string) => docker('exec', 'all-options', 'sh', '-c', script);
    expect(await inside('id -un; pwd; hostname; echo "$GREETING"')).toBe('nobody\n/tmp\ninside\nhello world');
    expect(await inside("tr '\\0' ' ' < /proc/1/cmdline")).toContain('httpd -f -p 8080');
    // the root is read-only, what is mounted is not
    expect(await inside('touch /x 2>&1; touch /scratch/x && echo written')).toMatch(/Read-only file system\nwritten$/);
    expect(await inside('cat /host/from-host; echo from the container > /host/from-container')).toBe('seen inside');
    expect(await readFile(join(folder, 'from-container'), 'utf8')).toBe('from the container\n');
    expect(
      await docker('run', '--rm', '-v', 'e2e-data:/d', registries.busybox, 'cat', '/d/w/index.html'),
      'the volume has what was written',
    ).toBe('hello from the window');
    expect(await inside("grep ' /scratch ' /proc/mounts")).toMatch(/^tmpfs /);

    expect(await inside(cgroup('memory.max', 'memory/memory.limit_in_bytes'))).toBe(String(64 * 2 ** 20));
    expect(await inside(cgroup('cpu.max', 'cpu/cpu.cfs_quota_us'))).toMatch(/^50000\b/);
    expect(await inside('grep Cpus_allowed_list /proc/self/status')).toMatch(/\t0$/);
    // the network: names are resolved on it, and a container outside of it is not reached
    expect(await inside('nslookup -type=a peer')).toMatch(/Name:\s+peer\nAddress.*\d+\.\d+\.\d+\.\d+/);
    expect(await docker('exec', 'peer', 'wget', '-qO-', 'http://all-options:8080/')).toBe('hello from the window');

    await containers.open();
    const [opened] = await Promise.all([
      page.waitForEvent('popup'),
      containers
        .row('all-options')
        .getByRole('link', { name: new RegExp(`^${port}→8080`) })
        .click(),
    ]);
    await expect(opened.locator('body')).toHaveText('hello from the window');
    await opened.close();

    expect(
      await inside('(for i in $(seq 40); do sleep 1 & done) 2>&1; true'),
      'more processes than allowed are refused',
    ).toContain("can't fork");

    // the line that was shown makes the same container
    await docker('rm', '-f', 'all-options');
    const words = line.match(/'[^']*'|"[^"]*"|\S+/g)?.map((word) => word.replace(/^['"]|['"]$/g, '')) ?? [];
    expect(words.slice(0, 2)).toEqual(['docker', 'run']);
    await docker(...words.slice(1));
    expect(await inside('id -un; pwd; hostname; echo "$GREETING"')).toBe('nobody\n/tmp\ninside\nhello world');
    expect(await inside(cgroup('memory.max', 'memory/memory.limit_in_bytes'))).toBe(String(64 * 2 ** 20));
    expect(await docker('port', 'all-options')).toContain(`127.0.0.1:${port}`);
  } finally {
    await docker('rm', '-f', '-v', 'all-options', 'peer');
    await docker('network', 'rm', 'e2e-net');
    await docker('volume', 'rm', 'e2e-data');
    await rm(folder, { recursive: true, force: true });
  }
});

test('gives and takes rights', async ({ run, containers, registries, docker }) => {
  const start = async (name: string, choose: () => Promise<void>) => {
    await containers.open();
    await run.open();
    await run.fill({ image: registries.busybox, name, command: 'sleep 1000' });
    await run.section(/^Security/);
    await choose();
    await run.run();
    await expect(run.dialog).toHaveCount(0);
    return (script: string) => docker('exec', name, 'sh', '-c', script);
  };
  const add = async (field: string, word: string) => {
    await run.field(field).fill(word);
    // a known capability becomes a chip as soon as it is typed
    await expect(run.dialog.getByRole('button', { name: `Remove ${word}` })).toBeVisible();
  };
  const rights = await start('some-rights', async () => {
    await add('capAdd', 'NET_ADMIN');
    await add('capDrop', 'CHOWN');
  });
  expect(await rights('ip link set lo down && ip link show lo')).not.toContain('UP');
  expect(await rights('touch /tmp/x; chown nobody /tmp/x 2>&1; true')).toContain('Operation not permitted');
  expect(await rights('mount -t tmpfs none /tmp 2>&1; true')).toMatch(/permission denied|not permitted/i);

  const all = await start('all-rights', () => run.dialog.getByLabel('Privileged').check());
  expect(await all('mount -t tmpfs none /tmp && grep " /tmp " /proc/mounts')).toMatch(/^none \/tmp tmpfs/);
  expect(Number(await all('ls /dev | wc -l'))).toBeGreaterThan(Number(await rights('ls /dev | wc -l')));
});

test('a restart policy brings a container back, as often as it says', async ({
  run,
  containers,
  container,
  docker,
  registries,
  page,
}) => {
  await containers.open();
  await run.open();
  await run.fill({ image: registries.busybox, name: 'comes-back', command: "sh -c 'echo run; exit 7'" });
  await run.field('restart').selectOption('When it fails');
  await run.fill({ restartRetries: '2' });
  await run.run();
  await expect(run.dialog).toHaveCount(0);
  await expect.poll(() => docker('logs', 'comes-back')).toBe('run\nrun\nrun');
  await expect(container.state).toHaveText(/Stopped/);
  expect(await docker('inspect', '-f', '{{.RestartCount}} {{.State.ExitCode}}', 'comes-back')).toBe('2 7');
  await expect(container.lines).toHaveCount(3);
  await expect(page).toHaveURL(/containers/);
});

test('pulls an image that is not stored', async ({ run, containers, registries, docker }) => {
  await containers.open();
  await run.open();
  await run.fill({ image: registries.slow, name: 'pulled-first', command: 'sleep 100' });
  await run.run();
  await expect(run.dialog.getByRole('list', { name: 'Layers' })).toBeVisible();
  await expect(run.dialog).toHaveCount(0, { timeout: 60_000 });
  expect(await docker('inspect', '-f', '{{.State.Running}}', 'pulled-first')).toBe('true');
  await docker('rm', '-f', 'pulled-first');
  await docker('rmi', registries.slow);
});
