import { expect, test } from '../fixtures/berth.ts';

// the recorder takes pictures of the document in between, which would be measured too
test.use({ trace: 'off' });

test('1,000,000 lines scroll without a stall', async ({ container, registries, docker, page }) => {
  test.setTimeout(240_000);
  const id = await docker('run', '-d', '--name', 'million', registries.busybox, 'seq', '1', '1000000');
  await docker('wait', 'million');
  await container.open(id);
  await expect(container.lineCount).toHaveText('1,000,000 lines', { timeout: 150_000 });
  await expect(container.lines.last()).toHaveText('1000000');

  await page.evaluate(() => {
    const tasks: number[] = [];
    Object.assign(window, { longTasks: tasks });
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({
      type: 'longtask',
    });
  });
  const log = page.getByRole('log');
  await log.hover();
  for (let i = 0; i < 100; i++) await page.mouse.wheel(0, -700);
  await log.evaluate(async (element) => {
    for (let i = 0; i <= 200; i++) {
      element.scrollTop = (i / 200) * element.scrollHeight;
      await new Promise(requestAnimationFrame);
    }
  });
  const tasks = await page.evaluate(() => (window as unknown as { longTasks: number[] }).longTasks);
  expect(Math.max(0, ...tasks)).toBeLessThan(100);
  await expect(container.lines.last()).toHaveText('1000000');
  await log.press('Home');
  await expect(container.lines.first()).toHaveText('1');
  await container.logSearch.fill('777777');
  await expect(container.searchStatus).toHaveText('1 line');
  await page.keyboard.press('Enter');
  await expect(container.lines.filter({ hasText: '777777' })).toBeVisible();
});
