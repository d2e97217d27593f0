import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as base, type Page } from '@playwright/test';
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
    // minutes of three seconds, for what waits for them
    const ui = await startUi([], { engine: 'machine' }, { BERTH_MACHINE_MINUTE: '3000' });
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

    // an image that is damaged, whichever part of it
    const part = (name: string, sha256: string) => ({ name, size: 4, sha256 });
    const right = createHash('sha256').update('good').digest('hex');
    const damages: [string, string, string, string][] = [
      ['{', right, right, 'manifest.json: it is no manifest'],
      ['', '0'.repeat(64), right, 'kernel: its digest is not the one of the manifest'],
      ['', right, '0'.repeat(64), 'root: its digest is not the one of the manifest'],
    ];
    for (const name of ['kernel', 'initrd', 'root']) await writeFile(join(image, name), 'good');
    for (const [text, kernel, root, why] of damages) {
      const files = { kernel: part('kernel', kernel), initrd: part('initrd', right), root: part('root', root) };
      const manifest = JSON.stringify({ version: '9.9.9', architecture: 'amd64', files });
      await writeFile(join(image, 'manifest.json'), text || manifest);
      await machine.button('Start').click();
      await expect(machine.step('process')).toContainText(`the machine's image is damaged: ${image}/${why}`);
      await expect(machine.step('process')).toContainText('What to do: build it again: berth machine build --force');
    }
    await machine.visit('/containers');
    await expect(page.getByRole('alert')).toContainText('The machine failed.');
    await page.getByRole('button', { name: 'Show the machine' }).click();
    await expect(machine.step('process')).toBeVisible();
  } finally {
    await ui.stop();
    await rm(image, { recursive: true });
  }
});

test('the machine from the window: start, run an image with limits, reach it, set it, let it sleep, reset it', async ({
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
    await expect(run.dialog).toContainText(`(pid ${process.pid})`, { timeout: 60_000 }); // the owner of the port
    taken.close();
    await once(taken, 'close');
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
    for (const open of [port, takenPort]) {
      await expect(machine.port(open)).toContainText('in-the-guest');
      await expect(machine.port(open).getByText('open', { exact: true })).toBeVisible();
    }
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

    await test.step('change and restart', () => changeAndRestart(page, machine));
    await test.step('sleep and wake', () => sleepAndWake(page, machine, join(home, 'machine/engine.sock')));
    // that start went on from the state that the one before had kept
    for (const step of ['init', 'prepared'] as const) await expect(machine.step(step)).toContainText('kept');
    await expect(page.getByText('from the state that an earlier one kept')).toBeVisible();
    faults.push(...(await take(page, 'machine-kept', 'in one of each')));

    await machine.open();
    await machine.button('Stop').click();
    await expect(machine.state).toHaveText('Stopped', { timeout: 40_000 });
    await expect(machine.button('Start')).toBeVisible();
    await containers.visit('/containers');
    await expect(page.getByRole('alert')).toContainText('The machine is stopped.');
    await test.step('reset', () => reset(page, machine, join(home, 'machine/data.raw')));
    expect(faults).toEqual([]);
  } finally {
    await registry.stop();
  }
});

/** What needs a restart says so, and is in force after it; the disk grows at once. */
async function changeAndRestart(page: Page, machine: MachinePage): Promise<void> {
  await machine.open('settings');
  const disk = Number(await page.getByLabel('Disk, GiB').inputValue()) + 1;
  await page.getByLabel('CPUs').fill('1');
  await page.getByLabel('Memory, MiB').fill('800');
  await page.getByLabel('Disk, GiB').fill(String(disk));
  await machine.button('Save').click();
  await expect(page.getByText('Changed CPUs and memory: in force after a restart of the machine.')).toBeVisible();
  await machine.open();
  await expect(machine.card('Facts')).toContainText(`MiB of memory, ${disk} GiB of disk`);
  await expect(machine.card('Facts')).toContainText('768 MiB');
  await machine.open('settings');
  await machine.button('Restart now').click();
  await expect(machine.state).toHaveText('Stopping');
  await expect(machine.state).toHaveText('Starting', { timeout: 40_000 });
  await expect(machine.state).toHaveText('Running', { timeout: 120_000 });
  await expect(machine.button('Restart now')).toHaveCount(0);
  await machine.open();
  await expect(machine.card('Facts')).toContainText(`1 CPU, 800 MiB of memory, ${disk} GiB of disk`);
}

/** Nobody uses it: it stops. The next request on its socket starts it, and is served. */
async function sleepAndWake(page: Page, machine: MachinePage, socketPath: string): Promise<void> {
  await machine.open('settings');
  await page.getByLabel('Stopped when idle for, minutes').fill('1');
  await machine.button('Save').click();
  await machine.open();
  await expect(machine.state).toHaveText('Asleep', { timeout: 40_000 });
  await expect(page.getByText('The next request on its socket starts it.')).toBeVisible();
  const answer = request({ socketPath, path: '/v1.47/images/json' });
  answer.end();
  const [response] = (await once(answer, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  response.resume();
  await expect(machine.state).toHaveText('Running');
}

/** It asks, and says what is lost; after that there is no disk. */
async function reset(page: Page, machine: MachinePage, disk: string): Promise<void> {
  await machine.open();
  const ask = async () => {
    await machine.button('More actions').click();
    await page.getByRole('menuitem', { name: 'Reset…' }).click();
  };
  const dialog = page.getByRole('alertdialog');
  await ask();
  for (const lost of ['All images', 'All containers', 'All volumes']) await expect(dialog).toContainText(lost);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  expect(existsSync(disk)).toBe(true);
  await ask();
  await dialog.getByRole('button', { name: 'Reset the machine' }).click();
  await expect(page.getByText('The machine is as new')).toBeVisible();
  expect(existsSync(disk)).toBe(false);
  await expect(machine.state).toHaveText('Stopped');
}
