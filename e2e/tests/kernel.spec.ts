import { expect, test } from '../fixtures/berth.ts';

test('the tree of control groups is live, with use and limits, and goes by keyboard', async ({
  kernel,
  registries,
  docker,
  sleeper,
  page,
}) => {
  await kernel.open();
  await expect(page.getByText('No container is running')).toBeVisible();
  const busy = 'while :; do :; done';
  await docker(
    'run',
    '-d',
    '--name',
    'busy',
    '--cpus',
    '0.5',
    '-m',
    '64m',
    '--pids-limit',
    '20',
    registries.busybox,
    'sh',
    '-c',
    busy,
  );
  const id = await sleeper('idle');
  await expect(kernel.group(/^busy/)).toContainText(/[2-9]\d\.\d% \/ 50\.0%/, { timeout: 20_000 });
  await expect(kernel.group(/^busy/)).toContainText(/\d+ KiB \/ 64\.0 MiB/);
  await expect(kernel.group(/^busy/)).toContainText('1 / 20');
  await expect(kernel.group(/^idle/)).toContainText('0.0%');
  await expect(kernel.group(/^idle/)).not.toContainText(/ \/ /);

  await kernel.group(/^busy/).click();
  await expect(kernel.panel).toContainText('0.5 CPUs');
  await expect(kernel.panel.getByRole('listitem')).toContainText(`sh -c ${busy}`);
  await page.getByRole('searchbox', { name: 'Filter files' }).fill('memory');
  await expect(kernel.panel).toContainText('67108864');

  // busy and idle are below the engine's group: down, up, close, open, and into the container
  await kernel.group(/^busy/).focus();
  await page.keyboard.press('ArrowDown');
  await expect(kernel.group(/^idle/)).toBeFocused();
  await expect(kernel.panel).toContainText(`/${id}`);
  await page.keyboard.press('ArrowLeft');
  await expect(kernel.tree.getByRole('row', { level: 1 })).toBeFocused();
  await page.keyboard.press('ArrowLeft');
  await expect(kernel.group(/^idle/)).toHaveCount(0);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('End');
  await expect(kernel.group(/^idle/)).toBeFocused();
  await docker('rm', '-f', 'busy');
  await expect(kernel.group(/^busy/)).toHaveCount(0);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(new RegExp(`#/containers/${id}/isolation$`));
});

test('the map of namespaces shows who shares what, and what a process made for itself', async ({
  kernel,
  registries,
  docker,
  sleeper,
  page,
}) => {
  await sleeper('alone', '--network', 'none');
  const inside = 'unshare --uts sleep 1000 & exec sleep 1001';
  await docker(
    'run',
    '-d',
    '--name',
    'guest',
    '--network',
    'container:alone',
    '--pid',
    'host',
    '--cap-add',
    'SYS_ADMIN',
    registries.busybox,
    'sh',
    '-c',
    inside,
  );
  await kernel.open('Namespaces');
  await expect(kernel.cell(/^alone/, 'net')).toHaveAccessibleName(/shared$/);
  const inode = async (row: string | RegExp, type: string) =>
    /\d{6,}/.exec((await kernel.cell(row, type).getAttribute('aria-label')) ?? '')?.[0];
  expect(await inode(/^guest/, 'net')).toBe(await inode(/^alone/, 'net'));
  expect(`net:[${await inode(/^guest/, 'net')}]`).toBe(await docker('exec', 'alone', 'readlink', '/proc/self/ns/net'));
  await expect(kernel.cell(/^guest/, 'mnt')).toHaveAccessibleName(/own$/);
  await expect(kernel.cell(/^guest/, 'pid')).toHaveAccessibleName(/host$/);
  const own = kernel.cell(/^inside it.*sleep 1000/, 'uts');
  await expect(own).toHaveAccessibleName(/own$/);
  expect(await inode(/^inside it.*sleep 1000/, 'uts')).not.toBe(await inode(/^guest/, 'uts'));

  await kernel.cell(/^alone/, 'pid').click();
  await expect(kernel.panel).toContainText('one container’s own');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await expect(kernel.cell(/^alone/, 'net')).toBeFocused();
  await expect(kernel.panel).toContainText('shared by 2 containers');
  await expect(kernel.panel.getByRole('listitem')).toHaveCount(3);
  const pid = await docker('inspect', '-f', '{{.State.Pid}}', 'alone');
  await expect(kernel.panel).toContainText(`sudo nsenter --target ${pid} --net`);
  // the other container's cell of the same namespace is marked with it
  await expect(kernel.cell(/^guest/, 'net')).toHaveAttribute('aria-pressed', 'true');
  await docker('rm', '-f', 'guest');
  await expect(kernel.cell(/^alone/, 'net')).toHaveAccessibleName(/own$/);
});
