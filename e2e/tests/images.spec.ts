import { expect, test } from '../fixtures/berth.ts';

test('pulls an image and shows each layer on its way', async ({ images, registries, docker }) => {
  await images.open();
  await images.pull(registries.slow);
  const card = images.card(registries.slow);
  await expect(card.getByRole('list', { name: 'Layers' }).getByRole('listitem')).toHaveCount(7);
  const seen = await card.evaluateHandle((element) => {
    const words = new Set<string>();
    const look = () => element.querySelectorAll('.phase').forEach((phase) => words.add(phase.textContent ?? ''));
    new MutationObserver(look).observe(element, { subtree: true, childList: true, characterData: true });
    look();
    return words;
  });
  await expect(card).toContainText(/Downloading/i);
  await expect(card).toContainText(/B\/s/);
  await expect(card).toHaveAttribute('data-state', 'done', { timeout: 60_000 });
  await expect(images.row(registries.slow)).toBeVisible();
  // verifying and unpacking are over in a moment, and may fall between two looks
  const phases = await seen.evaluate((words) => [...words]);
  expect(phases).toEqual(expect.arrayContaining(['Done', 'Downloading']));
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
    ['of another architecture', ({ foreign }) => foreign, /platform.*Choose a tag that is made for this machine/i],
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

test('pulls by digest', async ({ images, registries, docker }) => {
  const digest = await docker('inspect', '-f', '{{index .RepoDigests 0}}', registries.busybox);
  expect(digest).toMatch(/@sha256:[0-9a-f]{64}$/);
  await images.open();
  await images.pull(digest);
  await expect(images.card(digest)).toHaveAttribute('data-state', 'done');
  const wrong = digest.replace(/[0-9a-f]{64}$/, '0'.repeat(64));
  await images.pull(wrong);
  await expect(images.card(wrong)).toHaveAttribute('data-state', 'failed');
  await expect(images.card(wrong)).toContainText(/not found|manifest unknown/i);
});

test('runs an image from its row, and inspects it with layers, history and configuration', async ({
  images,
  run,
  registries,
  docker,
  page,
}) => {
  await images.open();
  const row = images.row(registries.busybox);
  await expect(row).toContainText(/\d MB/);
  await expect(row).toContainText(/ago$|years? ago/);
  await images.act(registries.busybox, /^Run/);
  await expect(run.field('image')).toHaveValue(registries.busybox);
  await run.fill({ name: 'from-row', command: 'sleep 1000' });
  await run.run();
  await expect(run.dialog).toHaveCount(0);
  expect(await docker('inspect', '-f', '{{.State.Running}} {{.Config.Image}}', 'from-row')).toBe(
    `true ${registries.busybox}`,
  );
  await images.open();
  await expect(row).toContainText('from-row');

  await row.getByRole('link').click();
  const layers = page.getByRole('table', { name: 'Layers' }).getByRole('row');
  const history = (await docker('history', '--no-trunc', '--format', '{{.Size}}', registries.busybox)).split('\n');
  await expect(layers).toHaveCount(history.length + 1);
  await expect(layers.nth(1)).toContainText('MB');
  await page.getByRole('tab', { name: 'Configuration' }).click();
  await expect(page.getByRole('tabpanel')).toContainText('PATH=');
  await page.getByRole('tab', { name: 'JSON' }).click();
  const id = await docker('images', '-q', '--no-trunc', registries.busybox);
  await expect(page.getByRole('tabpanel')).toContainText(id);
});

test('asks before it removes an image, says what goes, and why one stays', async ({
  images,
  registries,
  docker,
  sleeper,
}) => {
  await docker('tag', registries.busybox, 'goes:1');
  await sleeper('needs-it');
  await images.open();
  await images.act(registries.busybox, /^Remove/);
  await expect(images.question).toContainText('needs-it');
  await images.answer('Cancel');
  await docker('rm', '-f', 'needs-it');
  // a copy of its own: removing it leaves what the other tests use
  const id = await docker('run', '-d', registries.busybox, 'true');
  await docker('commit', id, 'copy:1');
  await docker('rm', '-f', id);
  await images.act('copy:1', /^Remove/);
  await expect(images.question).toContainText('copy:1');
  await images.answer(/^Remove/);
  await expect(images.row('copy:1')).toHaveCount(0);
  expect(await docker('images', '-q', 'copy')).toBe('');
  await docker('rmi', 'goes:1');
});
