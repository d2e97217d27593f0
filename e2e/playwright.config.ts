import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from '@playwright/test';

const electron = fileURLToPath(new URL('../node_modules/electron/dist/electron', import.meta.url));
const results = fileURLToPath(new URL('../test-results', import.meta.url));
if (!existsSync(electron)) process.env['BERTH_NO_ELECTRON'] = '1';

/** Debian's Chromium in front of `berth ui`, a real engine and a real registry behind it. One worker: they share the machine's kernel. */
export default defineConfig({
  testDir: './tests',
  outputDir: `${results}/e2e`,
  workers: 1,
  fullyParallel: false,
  retries: 0,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [['list'], ['json', { outputFile: `${results}/e2e.json` }]],
  use: {
    viewport: { width: 1280, height: 800 },
    actionTimeout: 15_000,
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    permissions: ['clipboard-read', 'clipboard-write'],
    launchOptions: {
      executablePath: process.env['BERTH_CHROMIUM'] ?? '/usr/bin/chromium',
      ignoreDefaultArgs: ['--hide-scrollbars'],
      args: [
        '--no-sandbox',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
        '--disable-gpu',
        '--disable-quic',
      ],
    },
  },
  projects: [
    { name: 'chromium', testIgnore: /electron\.spec\.ts/ },
    { name: 'electron', testMatch: /electron\.spec\.ts/ },
  ],
});
