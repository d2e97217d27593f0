import { expect, test } from '../fixtures/berth.ts';
import { take } from '../fixtures/screenshots.ts';

test('every view is whole and labelled, in both themes and sizes', async ({
  page,
  containers,
  container,
  images,
  kernel,
  run,
  sleeper,
  docker,
  registries,
}) => {
  test.setTimeout(180_000);
  const faults: string[] = [];
  await containers.open();
  await page.getByText('No containers yet').waitFor();
  faults.push(...(await take(page, 'containers-empty')));

  const script =
    'for i in $(seq 60); do echo "$i served a request"; echo "warning $i" >&2; done; while :; do sleep 1; done';
  const id = await docker(
    'run',
    '-d',
    '--name',
    'shop-frontend',
    '-m',
    '128m',
    '-e',
    'COLOUR=green',
    '-p',
    '127.0.0.1::80',
    registries.busybox,
    'sh',
    '-c',
    script,
  );
  await sleeper('a-container-with-a-really-long-name-that-does-not-fit-anywhere');
  await docker('run', '--name', 'finished', registries.busybox, 'true');
  await expect(containers.row('finished')).toBeVisible();
  faults.push(...(await take(page, 'containers')));
  await containers.select('shop-frontend', 'finished');
  faults.push(...(await take(page, 'containers-selected')));

  await containers.open();
  await run.open();
  for (const section of ['Basics', 'Ports', 'Storage', 'Environment', 'Limits', 'Security']) {
    await run.section(new RegExp(`^${section}`));
    faults.push(...(await take(page, `run-${section.toLowerCase()}`)));
  }
  await page.keyboard.press('Escape');

  for (const tab of ['Logs', 'Stats', 'Terminal', 'Inspect', 'Processes', 'Isolation'] as const) {
    await container.open(id, tab);
    await page.waitForTimeout(1_200);
    faults.push(...(await take(page, `container-${tab.toLowerCase()}`)));
  }
  for (const part of ['Control groups', 'Namespaces'] as const) {
    await kernel.open(part);
    await kernel.panel.getByRole('listitem').first().waitFor();
    faults.push(...(await take(page, `kernel-${part === 'Namespaces' ? 'namespaces' : 'groups'}`)));
  }
  await images.open();
  faults.push(...(await take(page, 'images')));
  await images.visit(`/images/${await docker('images', '-q', '--no-trunc', registries.busybox)}`);
  await page.getByRole('tab', { name: /^Layers/ }).waitFor();
  faults.push(...(await take(page, 'image')));
  for (const view of ['volumes', 'networks']) {
    await images.visit(`/${view}`);
    faults.push(...(await take(page, view)));
  }
  expect(faults).toEqual([]);
});

test('dialogs, menus and questions are whole and labelled', async ({
  page,
  containers,
  images,
  sleeper,
  docker,
  registries,
}) => {
  const faults: string[] = [];
  const shot = async (name: string) => void faults.push(...(await take(page, name, 'in one of each')));
  await sleeper('web', '-v', '/data');
  await docker('run', '--name', 'job', registries.busybox, 'true');
  await docker('network', 'create', 'shop');
  await containers.open();
  await containers.row('web').getByRole('button', { name: 'Actions for web' }).click();
  await containers.menuItem(/^Remove/).waitFor();
  await shot('menu');
  await page.keyboard.press('Escape');
  await containers.select('web', 'job');
  await containers.bulk.getByRole('button', { name: /^Remove/ }).click();
  await containers.question.waitFor();
  await shot('question');
  await containers.answer('Cancel');
  await page.getByRole('button', { name: 'Clean up' }).click();
  await page.getByRole('list', { name: /containers/i }).waitFor();
  await shot('clean-up');
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  await shot('shortcuts');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^Engine ready/ }).click();
  await shot('engine');
  await page.keyboard.press('Escape');

  await images.open();
  await images.pull('Not A Name');
  await page.getByRole('alert').first().waitFor();
  await shot('pull-refused');
  for (const reference of [registries.locked, registries.foreign, registries.slow]) await images.pull(reference);
  await images.card(registries.slow).getByText('Downloading').first().waitFor();
  await images.card(registries.locked).getByRole('button', { name: 'Sign in' }).waitFor();
  await shot('pulls');
  await expect(images.card(registries.slow)).toHaveAttribute('data-state', 'done', { timeout: 60_000 });
  await images.act(registries.busybox, /^Tag/);
  await page.getByRole('dialog').waitFor();
  await shot('tag');
  await page.keyboard.press('Escape');
  await images.visit('/volumes');
  await page.getByRole('row', { name: /web/ }).waitFor();
  await shot('volumes-full');
  await page.getByRole('button', { name: 'Create a volume' }).click();
  await shot('create-volume');
  await page.keyboard.press('Escape');
  await images.visit('/networks');
  await page.getByRole('button', { name: 'Create a network' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
  await shot('create-network');
  await page.keyboard.press('Escape');
  await docker('network', 'rm', 'shop');
  await docker('rmi', registries.slow);
  expect(faults).toEqual([]);
});

test('the view of an engine that is away', async ({ page, containers, engine }) => {
  await containers.open();
  await engine.kill();
  try {
    await page.getByRole('alert').waitFor();
    expect(await take(page, 'engine-away')).toEqual([]);
  } finally {
    await engine.start();
  }
  await expect(page.getByRole('heading', { name: 'Containers', level: 1 })).toBeVisible({ timeout: 20_000 });
});
