import { _electron, expect, test } from '@playwright/test';
import { repository } from '../fixtures/window-host.ts';

test('the Electron shell opens the window', async () => {
  test.skip(process.env['BERTH_NO_ELECTRON'] === '1', 'Electron’s binary is not installed here');
  const app = await _electron.launch({ args: [repository, '--no-sandbox'] });
  try {
    const window = await app.firstWindow();
    await expect(window.getByRole('heading').first()).toBeVisible();
  } finally {
    await app.close();
  }
});
