import { expect, test } from '../fixtures/berth.ts';

test('the window recovers when the engine is killed and started again, and so do the containers', async ({
  containers,
  container,
  engine,
  registries,
  docker,
  page,
}) => {
  const id = await docker(
    'run',
    '-d',
    '--name',
    'survivor',
    registries.busybox,
    'sh',
    '-c',
    'i=0; while :; do i=$((i+1)); echo "count $i"; sleep 0.2; done',
  );
  await containers.open();
  await expect(containers.state('survivor')).toHaveText(/Running/);
  const pid = await docker('inspect', '-f', '{{.State.Pid}}', id);
  await engine.kill();
  await expect(page.getByRole('alert')).toBeVisible();
  await expect(page.getByRole('button', { name: /Try again|Start the engine/ })).toBeVisible();
  await engine.start();
  await expect(containers.state('survivor')).toHaveText(/Running/, { timeout: 20_000 });
  expect(await docker('inspect', '-f', '{{.State.Pid}}', id)).toBe(pid);
  await container.open(id);
  await expect(container.lines.first()).toHaveText('count 1');
  await expect(container.lines.last()).toHaveText(/count [1-9]\d+/);
  await docker('rm', '-f', 'survivor');
  await containers.open();
  await expect(containers.row('survivor')).toHaveCount(0);
});

test('a script that is lost on the way, as a network that changes makes it, is loaded again', async ({
  page,
  containers,
}) => {
  const lost: string[] = [];
  await page.route(/assets\/.*\.(js|css)$/, (route) => {
    if (lost.length >= 2) return route.continue();
    lost.push(route.request().url());
    return route.abort('failed');
  });
  await page.reload();
  await containers.open();
  expect(lost).toHaveLength(2);
});
