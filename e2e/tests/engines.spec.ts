import { test as berth, expect } from '../fixtures/berth.ts';
import { startUi } from '../fixtures/window-host.ts';

/** The window as it is started without an engine's address: the one chosen in the settings is used. */
const test = berth.extend({
  host: async ({ engine }, use) => {
    const engines = [{ name: 'here', endpoint: `unix://${engine.socket}` }];
    const ui = await startUi([], { engine: 'own:here', engines });
    await use(ui);
    await ui.stop();
  },
});

test('another engine is used from the choice on, without a restart, and can be chosen back', async ({
  page,
  containers,
  sleeper,
}) => {
  await sleeper('of-the-first');
  await containers.open();
  await expect(containers.row('of-the-first')).toBeVisible();
  await containers.visit('/settings');
  await expect(page.getByRole('radio', { name: /^here/ })).toBeChecked();
  await page.getByRole('radio', { name: /^The machine/ }).check();
  await containers.visit('/containers');
  await expect(page.getByRole('alert')).toContainText('The machine is stopped.');
  await expect(containers.row('of-the-first')).toHaveCount(0);
  await page.reload();
  await expect(page.getByRole('alert')).toContainText('The machine is stopped.');
  await containers.visit('/settings');
  await page.getByRole('radio', { name: /^here/ }).check();
  await containers.open();
  await expect(containers.row('of-the-first')).toBeVisible();
});

test('an engine is tried before it is added; a wrong address is said at its field; the report carries no secret', async ({
  page,
  containers,
  engine,
}) => {
  await containers.visit('/settings');
  await page.getByRole('button', { name: 'Add an engine' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add an engine' });
  await dialog.getByLabel('Name').fill('again');
  await dialog.getByLabel('Address').fill('tcp://127.0.0.1:2375');
  await dialog.getByRole('button', { name: 'Try it' }).click();
  await expect(dialog.getByRole('alert')).toContainText('neither unix:///PATH nor ssh://USER@HOST');
  await dialog.getByLabel('Address').fill(engine.socket);
  await dialog.getByRole('button', { name: 'Try it' }).click();
  await expect(dialog.getByRole('status')).toContainText(/^Berth \d/);
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('radio', { name: /^again/ }).check();
  await expect(page.getByRole('radio', { name: /^again.*connected/ })).toBeChecked();
  await page.getByRole('button', { name: 'Make a report' }).click();
  await expect(page.getByRole('dialog', { name: 'Report' }).locator('pre')).toContainText('cgroup: v');
});
