import { expect, test } from '../fixtures/berth.ts';
import { freePort } from '../../agent/testing/index.ts';

test('a container started by the docker command appears at once, and goes with it', async ({
  containers,
  sleeper,
  docker,
}) => {
  await containers.open();
  await sleeper('from-docker');
  await expect(containers.state('from-docker')).toHaveText(/Running/);
  await docker('pause', 'from-docker');
  await expect(containers.state('from-docker')).toHaveText(/Paused/);
  await docker('unpause', 'from-docker');
  await docker('kill', 'from-docker');
  await expect(containers.state('from-docker')).toHaveText(/Stopped/);
  await docker('rm', 'from-docker');
  await expect(containers.row('from-docker')).toHaveCount(0);
});

test('several are stopped, started and removed at once', async ({ containers, sleeper, docker }) => {
  const names = ['one', 'two', 'three'];
  for (const name of names) await sleeper(name, '--stop-timeout', '1');
  await containers.open();
  await containers.select(...names);
  await containers.bulk.getByRole('button', { name: /^Kill/ }).click();
  for (const name of names) await expect(containers.state(name)).toHaveText(/Stopped/);
  await containers.bulk.getByRole('button', { name: /^Start/ }).click();
  for (const name of names) await expect(containers.state(name)).toHaveText(/Running/);
  expect((await docker('ps', '-q')).split('\n')).toHaveLength(3);
  await containers.bulk.getByRole('button', { name: /^Remove/ }).click();
  await expect(containers.question).toContainText('one');
  await expect(containers.question).toContainText(/running/i);
  await containers.answer(/^Remove/);
  for (const name of names) await expect(containers.row(name)).toHaveCount(0);
  expect(await docker('ps', '-aq')).toBe('');
});

test('one is paused, resumed, restarted, stopped and removed from its row', async ({ containers, sleeper, docker }) => {
  await sleeper('single', '--stop-timeout', '1');
  await containers.open();
  await containers.act('single', 'Pause');
  await expect(containers.state('single')).toHaveText(/Paused/);
  await containers.act('single', 'Unpause');
  await expect(containers.state('single')).toHaveText(/Running/);
  const before = await docker('inspect', '-f', '{{.State.StartedAt}}', 'single');
  await containers.act('single', 'Restart');
  await expect.poll(() => docker('inspect', '-f', '{{.State.StartedAt}}', 'single')).not.toBe(before);
  await containers.row('single').getByRole('button', { name: 'Stop single' }).click();
  await expect(containers.state('single')).toHaveText(/Stopped/);
  await containers.act('single', /^Remove/);
  await containers.answer('Cancel');
  await expect(containers.row('single')).toBeVisible();
  await containers.act('single', /^Remove/);
  await containers.answer('Remove');
  await expect(containers.row('single')).toHaveCount(0);
});

test('a published port is a link, and something answers there', async ({ containers, registries, docker, page }) => {
  const port = await freePort();
  await docker(
    'run',
    '-d',
    '--name',
    'served',
    '-p',
    `127.0.0.1:${port}:80`,
    registries.busybox,
    'sh',
    '-c',
    'mkdir -p /w && echo hello from inside > /w/index.html && exec httpd -f -p 80 -h /w',
  );
  await containers.open();
  const link = containers.row('served').getByRole('link', { name: new RegExp(`^${port}→80`) });
  await expect(link).toHaveAttribute('href', `http://localhost:${port}`);
  // the window opens links outside itself: here the address is asked the way a browser would
  const answer = await page.request.get(`http://127.0.0.1:${port}/`);
  expect(await answer.text()).toContain('hello from inside');
});

test('CPU and memory are shown live', async ({ containers, registries, docker }) => {
  await docker('run', '-d', '--name', 'busy', registries.busybox, 'sh', '-c', 'while :; do :; done');
  await containers.open();
  await expect(containers.row('busy')).toContainText(/[1-9]\d*(\.\d)?%/, { timeout: 20_000 });
  await expect(containers.row('busy')).toContainText(/[KM]i?B/);
});
