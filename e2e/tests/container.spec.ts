import { expect, test } from '../fixtures/berth.ts';

test('logs follow, tell the streams apart and can be searched', async ({ container, registries, docker, page }) => {
  const script =
    'for i in $(seq 1 200); do echo "line $i"; done; echo "it broke" >&2; printf "\\033[31mred\\033[0m\\n"; while :; do echo tick; sleep 1; done';
  const id = await docker('run', '-d', '--name', 'chatty', registries.busybox, 'sh', '-c', script);
  await container.open(id);
  await expect(container.lines.last()).toHaveText('tick');
  await expect(container.lines.filter({ hasText: 'it broke' })).toHaveClass(/stderr/);
  await expect(container.lines.filter({ hasText: /^red$/ }).locator('.text span').first()).toHaveCSS('color', /rgb\(/);

  await container.logSearch.fill('LINE 1');
  await expect(container.searchStatus).toHaveText('111 lines');
  await page.keyboard.press('Enter');
  await expect(container.searchStatus).toContainText('of 111');
  await expect(container.button(/new lines?|Jump to latest/)).toBeVisible();
  await page.getByRole('button', { name: 'Match case' }).click();
  await expect(container.searchStatus).toHaveText('No matches');
  await page.getByRole('button', { name: 'Regular expression' }).click();
  await container.logSearch.fill('^line \\d$');
  await expect(container.searchStatus).toHaveText('9 lines');
  await container.logSearch.fill('');

  await page.getByRole('combobox', { name: 'Which output' }).selectOption('stderr');
  await expect(container.lines).toHaveCount(1);
  await page.getByRole('combobox', { name: 'Which output' }).selectOption('both');
  await page.getByRole('button', { name: 'Timestamps' }).click();
  await expect(container.lines.first().locator('.time')).toHaveText(/\d\d:\d\d:\d\d/);
  await page.getByRole('button', { name: 'Follow the newest lines' }).click();
  await expect(container.lines.last()).toContainText('tick');
  for (const height of [600, 900, 800]) {
    await page.setViewportSize({ width: 1280, height });
    await page.waitForTimeout(300);
    await expect(container.button(/new lines?|Jump to latest/), 'following goes on in a resized window').toHaveCount(0);
  }

  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save as a file' }).click(),
  ]);
  expect(file.suggestedFilename()).toBe('chatty.log');
});

test('long lines wrap on request, and a log can be shown from some time on', async ({
  container,
  registries,
  docker,
  page,
}) => {
  const script = 'head -c 3000 /dev/zero | tr "\\0" w; echo; echo short';
  const id = await docker('run', '-d', '--name', 'wide', registries.busybox, 'sh', '-c', script);
  await container.open(id);
  const [wide, short] = [container.lines.first(), container.lines.last()];
  await expect(short).toHaveText('short');
  const height = async () => (await wide.boundingBox())?.height ?? 0;
  const one = await height();
  const log = page.getByRole('log');
  expect(await log.evaluate((element) => element.scrollWidth > element.clientWidth)).toBe(true);
  await page.getByRole('button', { name: 'Wrap long lines' }).click();
  await expect.poll(height).toBeGreaterThan(one * 10);
  expect(await log.evaluate((element) => element.scrollWidth > element.clientWidth)).toBe(false);
  // the next line begins where the wrapped one ends
  const [above, below] = [await wide.boundingBox(), await short.boundingBox()];
  expect(Math.abs((above?.y ?? 0) + (above?.height ?? 0) - (below?.y ?? 0))).toBeLessThan(2);
  await page.getByRole('button', { name: 'Wrap long lines' }).click();
  await expect.poll(height).toBe(one);

  const since = page.getByRole('combobox', { name: 'Since when' });
  await since.selectOption({ index: 1 });
  await expect(container.lines).toHaveCount(2);
  await since.selectOption({ index: 0 });
  await expect(container.lines).toHaveCount(2);
});

test('graphs show what was before they were opened, and go on', async ({ container, registries, docker, engine }) => {
  const id = await docker(
    'run',
    '-d',
    '--name',
    'worker',
    '-m',
    '64m',
    registries.busybox,
    'sh',
    '-c',
    'while :; do :; done',
  );
  const started = Date.parse(await docker('inspect', '-f', '{{.State.StartedAt}}', id));
  const history = async () => {
    const { body } = await engine.request('GET', `/berth/v1/containers/${id}/history`);
    return (body as { samples: { time: number }[] }).samples.map(({ time }) => time);
  };
  await expect.poll(async () => (await history()).length).toBeGreaterThan(3);
  const [oldest = 0] = await history();
  const opened = Date.now();
  await container.open(id, 'Stats');
  for (const title of ['CPU', 'Memory', 'Network', 'Block I/O', 'Processes', 'CPU throttling']) {
    await expect(container.chart(title)).toHaveAttribute('data-from', /^\d+$/);
    const from = Number(await container.chart(title).getAttribute('data-from'));
    expect(Math.abs(from - oldest), `${title} begins with what the engine kept`).toBeLessThan(2_000);
    expect(from).toBeLessThan(opened - 2_000);
    expect(from).toBeGreaterThan(started - 2_000);
  }
  await expect(container.chart('CPU')).toHaveAccessibleName(/CPU [1-9]\d*(\.\d)?%/);
  await expect(container.chart('Memory')).toHaveAccessibleName(/Memory [\d.]+ [KM]iB/);
  await expect(container.chart('Memory')).toContainText('64.0 MiB limit');
  for (const title of ['Network', 'Block I/O', 'Processes', 'CPU throttling'])
    await expect(container.chart(title).locator('canvas')).toBeVisible();
});

test('a terminal is a real TTY that follows the size of the window', async ({ container, sleeper, page }) => {
  const id = await sleeper('with-shell');
  await container.open(id, 'Terminal');
  await expect(container.screen).toContainText(/[#$]/);
  await container.type('tty; echo $((6*7))');
  await expect(container.screen).toContainText(/\/dev\/pts\/\d+/);
  await expect(container.screen).toContainText('42');
  const size = async () => {
    await container.type('clear; echo "size $(stty size)."');
    await expect(container.screen).toContainText(/size \d+ \d+\./);
    return (/size (\d+) (\d+)\./.exec((await container.screen.textContent()) ?? '') ?? []).slice(1).map(Number);
  };
  const [rows = 0, columns = 0] = await size();
  await page.setViewportSize({ width: 1024, height: 600 });
  await expect.poll(async () => (await size())[1]).toBeLessThan(columns);
  expect((await size())[0]).toBeLessThan(rows);

  await container.tab('Logs');
  await container.tab('Terminal');
  await container.type('echo still-$((1+1))-here');
  await expect(container.screen).toContainText('still-2-here');
  await container.type('exit 3');
  await expect(page.getByText('exit code 3')).toBeVisible();
  await page.getByRole('button', { name: 'Open again' }).click();
  await container.type('echo again-$((2+2))');
  await expect(container.screen).toContainText('again-4');
});

test('inspect, processes and isolation tell the truth', async ({ container, sleeper, docker, page }) => {
  const id = await sleeper('looked-into', '-m', '64m', '--cap-add', 'NET_ADMIN', '-e', 'COLOUR=green');
  await container.open(id, 'Inspect');
  const main = page.getByRole('main');
  await expect(main).toContainText('sleep 1000');
  await expect(main).toContainText('64.0 MiB');
  await expect(main).toContainText('green');
  await page.getByRole('button', { name: 'JSON', exact: true }).click();
  await page.getByRole('textbox', { name: 'Search in Inspection' }).fill('COLOUR=green');
  await expect(page.getByRole('status').filter({ hasText: '1 of 1' })).toBeVisible();

  await container.tab('Processes');
  await expect(page.getByRole('table', { name: 'Processes of the container' })).toContainText('sleep 1000');

  await container.tab('Isolation');
  const pid = await docker('inspect', '-f', '{{.State.Pid}}', id);
  await expect(main).toContainText(`process ${pid} on the host`);
  await expect(main).toContainText(/net:\[\d+\]/);
  await expect(main).toContainText('NET_ADMIN');
  await page.getByRole('searchbox', { name: 'Filter files' }).fill('memory');
  await expect(main).toContainText('67108864');
});

test('its header acts, and a removed container says so', async ({ container, sleeper, docker, page }) => {
  const id = await sleeper('acted-on', '--stop-timeout', '1');
  await container.open(id);
  await expect(container.state).toHaveText(/Running/);
  await container.button('Stop').click();
  await expect(container.state).toHaveText(/Stopped/);
  await container.tab('Terminal');
  await expect(page.getByText('Start it to open a terminal in it.')).toBeVisible();
  await container.button('Start').first().click();
  await expect(container.state).toHaveText(/Running/);
  await expect(container.screen).toContainText(/[#$]/);
  await docker('rm', '-f', id);
  await expect(page.getByText('This container has been removed.')).toBeVisible();
});
