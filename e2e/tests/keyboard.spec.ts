import { expect, test } from '../fixtures/berth.ts';

test('an image is run, looked into and removed by keyboard alone', async ({
  page,
  containers,
  container,
  images,
  run,
  registries,
  docker,
}) => {
  const keys = async (...all: string[]) => {
    for (const key of all) await page.keyboard.press(key);
  };
  await containers.open();
  await keys('g', 'i');
  await expect(page.getByRole('heading', { name: 'Images', level: 1 })).toBeVisible();
  await keys('n');
  await expect(images.reference).toBeFocused();
  await page.keyboard.type('Not A Name');
  await keys('Enter');
  await expect(images.reference).toHaveAttribute('aria-invalid', 'true');
  await expect(images.reference).toBeFocused();
  await keys('Control+a');
  await page.keyboard.type(registries.busybox);
  await keys('Enter');
  await expect(images.card(registries.busybox)).toHaveAttribute('data-state', 'done');

  await keys('Escape');
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await keys('g', 'c');
  await expect(page.getByRole('heading', { name: 'Containers', level: 1 })).toBeVisible();
  await keys('n');
  await expect(run.field('image')).toBeFocused();
  await page.keyboard.type(registries.busybox);
  await keys('Tab');
  await expect(run.field('name')).toBeFocused();
  await page.keyboard.type('typed');
  await keys('Tab');
  await expect(run.field('command')).toBeFocused();
  await page.keyboard.type('sleep 1000');
  await keys('Control+Enter');
  await expect(run.dialog).toHaveCount(0);
  await expect(container.state).toHaveText(/Running/);
  expect(await docker('inspect', '-f', '{{.Path}} {{.Args}}', 'typed')).toBe('sleep [1000]');

  // tabs by arrow keys, one more key to open
  await page.getByRole('tab', { name: 'Logs' }).focus();
  await keys('ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'Enter');
  await expect(page.getByRole('table', { name: 'Processes of the container' })).toContainText('sleep 1000');

  await keys('g', 'c', '/');
  await expect(page.getByRole('searchbox', { name: 'Search containers' })).toBeFocused();
  await page.keyboard.type('typ');
  await keys('Escape', 'Escape');
  const row = containers.row('typed');
  await row.focus();
  await keys('Space');
  await expect(row.getByRole('checkbox')).toBeChecked();
  await containers.bulk.getByRole('button', { name: /^Remove/ }).focus();
  await keys('Enter');
  await expect(containers.question).toContainText('typed');
  // what cannot be undone is not what Enter does at once
  await expect(containers.question.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await keys('Tab', 'Enter');
  await expect(row).toHaveCount(0);

  await keys('?');
  await expect(page.getByRole('dialog', { name: /shortcuts/i })).toContainText('Go to images');
  await keys('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('whatever has the focus shows it, in the order one reads', async ({ page, containers, sleeper }) => {
  await sleeper('focused');
  await containers.open();
  await expect(containers.row('focused')).toBeVisible();
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  const names: string[] = [];
  for (let step = 0; step < 26; step++) {
    await page.keyboard.press('Tab');
    const found = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement;
      if (element === document.body) return undefined;
      const box = element.getBoundingClientRect();
      const style = getComputedStyle(element);
      const around = element.closest('label, .checkbox');
      const marked = [element, around].some((one) => one && getComputedStyle(one).outlineStyle !== 'none');
      const name = element.getAttribute('aria-label') ?? element.getAttribute('value') ?? element.textContent ?? '';
      return { name: name.trim(), seen: box.width > 0 && style.visibility === 'visible', marked };
    });
    if (!found) break;
    expect(found.seen, found.name).toBe(true);
    expect(found.marked, `${found.name} shows that it has the focus`).toBe(true);
    names.push(found.name);
  }
  const at = (word: RegExp) => names.findIndex((name) => word.test(name));
  const order = [
    /^Containers$/,
    /^Images$/,
    /^Kernel$/,
    /Engine ready/,
    /Search containers/,
    /Run a container/,
    /focused/,
  ];
  const places = order.map(at);
  expect(
    places.every((place) => place >= 0),
    `${names.join(' | ')}`,
  ).toBe(true);
  expect(
    [...places].sort((a, b) => a - b),
    names.join(' | '),
  ).toEqual(places);
});
