import { expect, test } from '../fixtures/berth.ts';

test('pulls an image and shows each layer on its way', async ({ images, registries, docker }) => {
  await images.open();
  await images.pull(registries.slow);
  const card = images.card(registries.slow);
  await expect(card.getByRole('list', { name: 'Layers' }).getByRole('listitem')).toHaveCount(7);
  await expect(card).toContainText(/Downloading/i);
  await expect(card).toContainText(/B\/s/);
  await expect(card).toHaveAttribute('data-state', 'done', { timeout: 60_000 });
  await expect(images.row(registries.slow)).toBeVisible();
  expect(await docker('images', '-q', registries.slow)).not.toBe('');
  await docker('rmi', registries.slow);
  await expect(images.row(registries.slow)).toHaveCount(0);
});

test('cancels a pull and leaves nothing half-visible', async ({ images, registries, docker }) => {
  await images.open();
  await images.pull(registries.slow);
  const card = images.card(registries.slow);
  await expect(card).toContainText(/Downloading/i);
  await card.getByRole('button', { name: 'Cancel' }).click();
  await expect(card).not.toHaveAttribute('data-state', 'running');
  expect(await docker('images', '-q', registries.slow)).toBe('');
});

test.describe('says why an image cannot be pulled', () => {
  const cases: [
    what: string,
    reference: (all: { host: string; locked: string; foreign: string }) => string,
    words: RegExp,
  ][] = [
    ['unknown', ({ host }) => `${host}/nothing:1`, /not found|manifest unknown|name unknown|does not have/i],
    ['unauthorised', ({ locked }) => locked, /unauthori[sz]ed|no basic auth|denied|log ?in|authentication/i],
    ['of another architecture', ({ foreign }) => foreign, /platform|architecture/i],
    ['behind a refused connection', () => '127.0.0.1:1/x:1', /connection refused/i],
  ];
  for (const [what, reference, words] of cases) {
    test(what, async ({ images, registries }) => {
      await images.open();
      await images.pull(reference(registries));
      const card = images.card(reference(registries));
      await expect(card).toHaveAttribute('data-state', /failed|error/);
      await expect(card).toContainText(words);
    });
  }
  test('with a name that is none, beside the field', async ({ images }) => {
    await images.open();
    await images.pull('Not A Name');
    await expect(images.reference).toHaveAttribute('aria-invalid', 'true');
    await expect(images.page.getByRole('alert').first()).toContainText(/invalid reference|lowercase|blank|space/i);
  });
});

test('asks who one is where a registry wants to know, and pulls then', async ({ images, registries, docker, page }) => {
  await images.open();
  await images.pull(registries.locked);
  const card = images.card(registries.locked);
  await card.getByRole('button', { name: 'Sign in' }).click();
  const dialog = page.getByRole('dialog', { name: /^Sign in to 127\.0\.0\.1:\d+$/ });
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await expect(dialog.getByLabel('User name')).toHaveAttribute('aria-invalid', 'true');
  await dialog.getByLabel('User name').fill('someone');
  await dialog.getByLabel('Password').fill('wrong');
  await page.keyboard.press('Enter');
  await expect(dialog.getByLabel('Password')).toHaveAttribute('aria-invalid', 'true');
  await expect(dialog.getByRole('alert')).toContainText('does not accept this user name and password');
  await dialog.getByLabel('Password').fill('secret');
  await page.keyboard.press('Enter');
  await expect(dialog).toHaveCount(0);
  await expect(images.row(registries.locked)).toBeVisible();
  await docker('rmi', registries.locked);
});

test('tags, inspects and removes', async ({ images, registries, docker, page }) => {
  await images.open();
  await images.act(registries.busybox, /^Tag/);
  await page.getByLabel('New name').fill('mine:2');
  await page.getByRole('dialog').getByRole('button', { name: 'Tag' }).click();
  await expect.poll(() => docker('images', '--format', '{{.Repository}}:{{.Tag}}')).toContain('mine:2');

  const id = await docker('images', '-q', '--no-trunc', 'mine:2');
  await images.visit(`/images/${id}`);
  await expect(page.getByRole('tab', { name: /^Layers/ })).toBeVisible();
  await page.getByRole('button', { name: 'Remove the name mine:2' }).click();
  await images.answer(/Remove/);
  await expect.poll(() => docker('images', '--format', '{{.Repository}}:{{.Tag}}')).not.toContain('mine:2');
});

test('shows which images are in use', async ({ images, registries, sleeper }) => {
  await sleeper('user-of-it');
  await images.open();
  await expect(images.row(registries.busybox)).toContainText('user-of-it');
});
