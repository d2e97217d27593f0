import { startForeignEngine } from '../fixtures/foreign-engine.ts';
import { startWindowHost } from '../fixtures/window-host.ts';
import { expect, test as base } from '../fixtures/berth.ts';

const test = base.extend({
  host: async ({ engine }, use) => {
    const foreign = await startForeignEngine(engine.socket);
    const host = await startWindowHost(foreign.socket);
    await use(host);
    await host.stop();
    await foreign.stop();
  },
});

test('with another Docker engine everything works but what only Berth’s tells, which says so', async ({
  containers,
  container,
  images,
  run,
  registries,
  docker,
  page,
}) => {
  await containers.open();
  await expect(page.getByText('No containers yet')).toBeVisible();
  await page.getByRole('button', { name: /^Engine ready/ }).click();
  await expect(page.locator('.engine-details')).toContainText('Docker-compatible');
  await page.keyboard.press('Escape');

  await run.open();
  const script = 'echo hello; echo oops >&2; while :; do :; done';
  await run.fill({ image: registries.busybox, name: 'abroad', command: `sh -c '${script}'` });
  await run.run();
  await expect(run.dialog).toHaveCount(0);
  await expect(container.lines).toHaveText([/hello/, /oops/]);
  const id = await docker('inspect', '-f', '{{.Id}}', 'abroad');

  // no history: the graphs begin now
  await container.tab('Stats');
  await expect(container.chart('CPU')).toHaveAccessibleName(/CPU [1-9]\d*(\.\d)?%/, { timeout: 20_000 });
  await container.tab('Terminal');
  await expect(container.screen).toContainText(/[#$]/);
  await container.tab('Inspect');
  await expect(page.getByRole('main')).toContainText('while :; do :; done');
  await container.tab('Processes');
  await expect(page.getByRole('table', { name: 'Processes of the container' })).toContainText('while :');
  await container.tab('Isolation');
  await expect(page.getByText('This engine does not tell')).toBeVisible();

  await containers.visit('/kernel');
  await expect(page.getByText('This engine does not tell')).toBeVisible();
  await expect(page.getByText('shown with Berth’s own engine')).toBeVisible();
  await containers.visit('/kernel/namespaces');
  await expect(page.getByText('This engine does not tell')).toBeVisible();

  await containers.open();
  await expect(containers.row('abroad')).toContainText(/[1-9]\d*(\.\d)?%/, { timeout: 20_000 });
  await images.open();
  await expect(images.row(registries.busybox)).toContainText('abroad');
  await images.visit('/volumes');
  await expect(page.getByText('No volumes')).toBeVisible();
  await images.visit('/networks');
  await expect(page.getByRole('row', { name: /\bbridge\b/ })).toContainText('abroad');
  await containers.open();
  await containers.act('abroad', /^Remove/);
  await containers.answer(/^Remove/);
  await expect(containers.row('abroad')).toHaveCount(0);
  expect(await docker('ps', '-aq')).not.toContain(id);
});
