import { startSshd } from '../../electron/testing/sshd.ts';
import { test as berth, expect } from '../fixtures/berth.ts';
import { startUi } from '../fixtures/window-host.ts';

/** The window in front of an engine that a real ssh server leads to. */
const test = berth.extend<{ named: boolean }>({
  /** on the command line, else it is one of those to choose from */
  named: [true, { option: true }],
  host: async ({ engine, named }, use) => {
    const sshd = await startSshd();
    sshd.key('id_ed25519', 'ed25519');
    sshd.knownHosts(`[127.0.0.1]:${sshd.port} ${sshd.hostKey('ed25519')}`);
    const address = `ssh://root@127.0.0.1:${sshd.port}${engine.socket}`;
    const engines = [{ name: 'far', endpoint: address }];
    const env = { HOME: sshd.home, SSH_AUTH_SOCK: '' };
    const ui = await (named
      ? startUi(['--engine', address], { engines }, env)
      : startUi([], { engine: 'machine', engines }, env));
    await use(ui);
    await ui.stop();
    await sshd.stop();
  },
});

test('an engine behind ssh shows and runs containers, with their logs', async ({ page, containers, sleeper }) => {
  await containers.open();
  await sleeper('far-away');
  await expect(containers.row('far-away')).toBeVisible();
  await containers.visit('/settings');
  await expect(page.getByRole('radio', { name: /^far.*connected/ })).toBeChecked();
});

test('an address whose host key is unknown is refused with its fingerprint and what to do', async ({
  page,
  containers,
}) => {
  await containers.visit('/settings');
  const far = await page.getByRole('radio', { name: /^far/ }).locator('xpath=ancestor::label').textContent();
  const port = /127\.0\.0\.1:(\d+)/.exec(far ?? '')?.[1];
  await page.getByRole('button', { name: 'Add an engine' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add an engine' });
  await dialog.getByLabel('Name').fill('stranger');
  await dialog.getByLabel('Address').fill(`ssh://root@localhost:${port}`);
  await dialog.getByRole('button', { name: 'Try it' }).click();
  await expect(dialog).toContainText(/is not known .*SHA256:/);
  await expect(dialog).toContainText(/compare the fingerprint by connecting once/i);
});

test.describe('among others', () => {
  test.use({ named: false });

  test('an engine behind ssh is used from the choice on', async ({ page, containers, sleeper }) => {
    await sleeper('far-away');
    await containers.visit('/settings');
    await page.getByRole('radio', { name: /^far/ }).check();
    await expect(page.getByRole('radio', { name: /^far.*connected/ })).toBeChecked();
    await containers.open();
    await expect(containers.row('far-away')).toBeVisible();
  });
});
