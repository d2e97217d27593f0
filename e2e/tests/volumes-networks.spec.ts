import { expect, test } from '../fixtures/berth.ts';
import { Window } from '../pages/window.ts';

test('a volume is created, refused beside its field, kept while used, and removed', async ({
  page,
  docker,
  registries,
}) => {
  const window = new Window(page);
  await window.visit('/volumes');
  const row = page.getByRole('row', { name: /\bkept\b/ });
  const dialog = page.getByRole('dialog', { name: 'Create a volume' });
  await page.getByRole('button', { name: 'Create a volume' }).first().click();
  await dialog.getByLabel('Name').fill('not/a name');
  await page.keyboard.press('Enter');
  await expect(dialog.getByLabel('Name')).toHaveAttribute('aria-invalid', 'true');
  await expect(dialog.getByRole('alert')).toContainText('local volume name');
  await dialog.getByLabel('Name').fill('kept');
  await page.keyboard.press('Enter');
  await expect(dialog).toHaveCount(0);
  await expect(row).toBeVisible();
  await docker('run', '-d', '--name', 'writer', '-v', 'kept:/d', registries.busybox, 'sleep', '1000');
  await expect(row).toContainText('writer');
  await row.getByRole('button', { name: /Remove/ }).click();
  await expect(window.question).toContainText('writer');
  await window.answer(/^Remove/);
  await expect(window.messages).toContainText('volume is in use');
  await expect(row).toBeVisible();
  await docker('rm', '-f', 'writer');
  await expect(row).not.toContainText('writer');
  await row.getByRole('button', { name: /Remove/ }).click();
  await window.answer(/^Remove/);
  await expect(row).toHaveCount(0);
  expect(await docker('volume', 'ls', '-q')).not.toContain('kept');
});

test('a network is created, refused beside its fields, and removed', async ({ page, docker }) => {
  const window = new Window(page);
  await window.visit('/networks');
  const dialog = page.getByRole('dialog', { name: 'Create a network' });
  await page.getByRole('button', { name: 'Create a network' }).first().click();
  const cases: [values: Record<string, string>, wrong: string, words: RegExp][] = [
    [{ Name: ' ' }, 'Name', /needs a name/],
    [{ Name: 'shop', Subnet: 'wide' }, 'Subnet', /invalid/i],
    [{ Subnet: '10.217.0.0/24', Gateway: '10.9.9.9' }, 'Gateway', /gateway|subnet/i],
  ];
  for (const [values, wrong, words] of cases) {
    await test.step(wrong, async () => {
      for (const [name, value] of Object.entries(values)) await dialog.getByLabel(name).fill(value);
      await dialog.getByRole('button', { name: 'Create' }).click();
      const field = dialog.getByLabel(wrong);
      await expect(field).toHaveAttribute('aria-invalid', 'true');
      await expect(page.locator(`[id="${await field.getAttribute('aria-describedby')}"]`)).toHaveText(words);
    });
  }
  await dialog.getByLabel('Gateway').fill('10.217.0.1');
  await dialog.getByLabel('Internal').check();
  await dialog.getByRole('button', { name: 'Create' }).click();
  await expect(dialog).toHaveCount(0);
  const row = page.getByRole('row', { name: /\bshop\b/ });
  await expect(row).toContainText('10.217.0.0/24');
  await expect(row).toContainText('internal');
  expect(await docker('network', 'inspect', '-f', '{{.Internal}} {{(index .IPAM.Config 0).Gateway}}', 'shop')).toBe(
    'true 10.217.0.1',
  );
  await row.getByRole('button', { name: 'Remove shop' }).click();
  await window.answer('Cancel');
  await expect(row).toBeVisible();
  await row.getByRole('button', { name: 'Remove shop' }).click();
  await window.answer('Remove');
  await expect(row).toHaveCount(0);
  // the engine's own are never offered
  await expect(page.getByRole('row', { name: /\bbridge\b/ }).getByRole('button', { name: /Remove/ })).toHaveCount(0);
});

test('clean up removes exactly what it lists', async ({ page, docker, registries, sleeper, containers }) => {
  await sleeper('stays');
  await docker('run', '--name', 'over', registries.busybox, 'true');
  await docker('network', 'create', 'unused-net');
  await containers.open();
  await expect(containers.row('over')).toBeVisible();
  await page.getByRole('button', { name: 'Clean up' }).click();
  const dialog = page.getByRole('dialog', { name: 'Clean up' });
  const list = dialog.getByRole('list', { name: /containers/i });
  await expect(list.getByRole('listitem')).toHaveText([/^over/]);
  await dialog.getByRole('checkbox', { name: /networks/i }).check();
  await expect(dialog.getByRole('list', { name: /networks/i }).getByRole('listitem')).toHaveText([/^unused-net/]);
  await expect(dialog.getByRole('status')).toContainText('2 to remove');
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await expect(containers.row('over')).toHaveCount(0);
  await expect(containers.row('stays')).toBeVisible();
  expect(await docker('ps', '-a', '--format', '{{.Names}}')).toBe('stays');
  expect(await docker('network', 'ls', '--format', '{{.Name}}')).not.toContain('unused-net');
});
