import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as base } from '@playwright/test';
import { busyboxImage, freePort, pushImage, startRegistry } from '../../agent/testing/index.ts';
import { STEPS } from '../../electron/contract/machine.ts';
import { take } from '../fixtures/screenshots.ts';
import { repository, startUi } from '../fixtures/window-host.ts';
import { ContainerPage } from '../pages/container-page.ts';
import { ContainersPage } from '../pages/containers-page.ts';
import { MachinePage } from '../pages/machine-page.ts';
import { RunDialog } from '../pages/run-dialog.ts';

/** The window in front of a machine of its own, which no other test uses. */
const test = base.extend<{ home: string; machine: MachinePage }>({
  home: async ({ page }, use) => {
    const ui = await startUi([], { engine: 'machine' });
    await page.goto(ui.url);
    try {
      await use(ui.home);
    } finally {
      const env = { ...process.env, BERTH_MACHINE_HOME: join(ui.home, 'machine') };
      const kill = spawn(join(repository, 'bin/berth'), ['machine', 'kill'], { env, stdio: 'ignore' });
      await once(kill, 'close');
      await ui.stop();
    }
  },
  machine: async ({ page, home }, use) => {
    expect(home).not.toBe('');
    await use(new MachinePage(page));
  },
});

test('a start that fails shows the step, why, and what to do; the views say so too', async ({ page }) => {
  const image = await mkdtemp(join(tmpdir(), 'berth-no-image-'));
  const ui = await startUi([], { engine: 'machine' }, { BERTH_MACHINE_IMAGE: image });
  try {
    await page.goto(ui.url);
    const machine = new MachinePage(page);
    await machine.open();
    await machine.button('Start').click();
    await expect(machine.state).toHaveText('Failed');
    await expect(machine.step('process')).toHaveAttribute('data-state', 'failed');
    await expect(machine.step('process')).toContainText('has no image');
    await expect(machine.step('process')).toContainText('What to do: build it: berth machine build');
    await machine.visit('/containers');
    await expect(page.getByRole('alert')).toContainText('The machine failed.');
    await page.getByRole('button', { name: 'Show the machine' }).click();
    await expect(machine.step('process')).toBeVisible();
  } finally {
    await ui.stop();
    await rm(image, { recursive: true });
  }
});

test('the machine from the window: start, run an image with limits, look inside, reach it, stop', async ({
  page,
  home,
  machine,
}) => {
  test.setTimeout(300_000);
  const containers = new ContainersPage(page);
  const container = new ContainerPage(page);
  const run = new RunDialog(page);
  const registry = await startRegistry();
  const faults: string[] = [];
  try {
    await pushImage(registry.host, 'busybox', '1', busyboxImage());
    // the registry on this machine's loopback, as the guest reaches it
    const image = `10.0.2.2:${registry.host.split(':')[1]}/busybox:1`;
    const port = await freePort();
    // a port that this process has
    const taken = createServer();
    await once(taken.listen(0, '0.0.0.0'), 'listening');
    const takenPort = (taken.address() as AddressInfo).port;
    await mkdir(join(home, 'project'));
    await writeFile(join(home, 'project/index.html'), 'served by the guest\n');

    // its engine is the one in use, and it is away: the views say so, and looking at them starts nothing
    await containers.visit('/containers');
    await expect(page.getByRole('alert')).toContainText('The machine is stopped.');
    await machine.open();
    await expect(machine.state).toHaveText('Stopped');
    await expect(page.getByText('no machine is needed')).toBeVisible();
    faults.push(...(await take(page, 'machine-stopped')));

    await machine.open('settings');
    await page.getByLabel('Memory, MiB').fill('768');
    await machine.button('Save').click();
    await expect(page.getByText('Settings saved')).toBeVisible();

    await machine.open();
    await machine.button('Start').click();
    await expect(machine.state).toHaveText('Starting');
    await expect(machine.step('process')).toHaveAttribute('data-state', 'done', { timeout: 200_000 });
    await expect(machine.state).toHaveText('Running', { timeout: 120_000 });
    for (const step of STEPS) {
      await expect(machine.step(step)).toHaveAttribute('data-state', 'done');
      await expect(machine.step(step)).toHaveText(/\d (ms|s)$/);
    }
    await expect(machine.card('Memory')).toContainText('This computer has given');

    await containers.open();
    await run.open();
    await run.fill({
      image,
      name: 'in-the-guest',
      command: 'sh -c "echo hello from $(uname -s); exec httpd -f -p 80 -h /src"',
    });
    await run.section(/^Ports/);
    await run.dialog.getByRole('button', { name: 'Publish a port' }).click();
    await run.dialog.getByRole('button', { name: 'Publish a port' }).click();
    await run.fill({ 'ports.0.hostPort': String(port), 'ports.0.containerPort': '80' });
    await run.fill({ 'ports.1.hostPort': String(takenPort), 'ports.1.containerPort': '81' });
    await run.section(/^Storage/);
    await run.dialog.getByRole('button', { name: 'Add a mount' }).click();
    await run.mount(0).getByLabel('Kind').selectOption('Folder');
    await run.fill({ 'mounts.0.source': join(home, 'project'), 'mounts.0.target': '/src' });
    await run.section(/^Limits/);
    await run.fill({ memory: '64m' });
    await run.run();
    await expect(run.dialog).toHaveCount(0, { timeout: 60_000 });
    await expect(container.lines.first()).toHaveText('hello from Linux', { timeout: 30_000 });

    // the published port, on this machine's localhost
    const answer = () => fetch(`http://127.0.0.1:${port}/`).then((response) => response.text());
    await expect.poll(() => answer().catch(String), { timeout: 20_000 }).toBe('served by the guest\n');

    await container.tab('Stats');
    await expect(container.chart('Memory')).toHaveAccessibleName(/Memory [\d.]+ [KM]iB/, { timeout: 30_000 });
    await container.tab('Terminal');
    await expect(container.screen).toContainText('#', { timeout: 30_000 });
    await container.type('cat /sys/fs/cgroup/memory.max; echo from the container >/src/written');
    await expect(container.screen).toContainText(String(64 * 2 ** 20), { timeout: 30_000 });
    await expect
      .poll(() => readFile(join(home, 'project/written'), 'utf8').catch(() => ''), { timeout: 20_000 })
      .toBe('from the container\n');

    await machine.open();
    await expect(machine.port(port)).toContainText('in-the-guest');
    await expect(machine.port(port).getByText('open', { exact: true })).toBeVisible();
    await expect(machine.port(takenPort)).toContainText('not open');
    await expect(machine.port(takenPort)).toContainText(`pid ${process.pid}`);
    taken.close();
    faults.push(...(await take(page, 'machine')));
    await machine.open('console');
    await expect(page.getByRole('log')).toContainText('berth: step');
    faults.push(...(await take(page, 'machine-console')));
    await machine.open('settings');
    faults.push(...(await take(page, 'machine-settings')));
    await machine.visit('/settings');
    await expect(page.getByRole('radio', { name: /^The machine/ })).toBeChecked();
    await expect(page.getByText('What the engine goes by')).toBeVisible();
    faults.push(...(await take(page, 'settings')));

    await machine.open();
    await machine.button('Stop').click();
    await expect(machine.state).toHaveText('Stopped', { timeout: 40_000 });
    await expect(machine.button('Start')).toBeVisible();
    await containers.visit('/containers');
    await expect(page.getByRole('alert')).toContainText('The machine is stopped.');
    expect(faults).toEqual([]);
  } finally {
    await registry.stop();
  }
});
