import { defineConfig } from '@playwright/test';
import base from './playwright.config.ts';

/** Makes the pictures of the README anew: npm run screenshots. */
export default defineConfig({
  ...base,
  testDir: './readme',
  timeout: 300_000,
  reporter: 'list',
  projects: [{ name: 'chromium' }],
});
