import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { berthCommand, machineCommand } from './berth-command.ts';

const root = mkdtempSync(join(tmpdir(), 'berth-command-'));
afterAll(() => rmSync(root, { recursive: true }));
mkdirSync(join(root, 'app.asar/bin'), { recursive: true });
mkdirSync(join(root, 'checkout/bin'), { recursive: true });
for (const name of ['app.asar', 'checkout']) writeFileSync(join(root, name, 'bin/berth'), '');

const flag = '--disable-warning=ExperimentalWarning';

it.each([
  [
    'macOS, packaged',
    {
      here: '/Applications/Berth.app/Contents/Resources/app.asar/dist/electron',
      platform: 'darwin',
      execPath: '/Applications/Berth.app/Contents/MacOS/Berth',
      electron: '45.4.1',
    },
    {
      program: '/Applications/Berth.app/Contents/MacOS/Berth',
      args: [flag, '/Applications/Berth.app/Contents/Resources/app.asar.unpacked/dist/electron/machine/main.mjs'],
      env: { ELECTRON_RUN_AS_NODE: '1' },
    },
  ],
  [
    'Windows, packaged',
    {
      here: 'C:\\Program Files\\Berth\\resources\\app.asar\\dist\\electron',
      platform: 'win32',
      execPath: 'C:\\Program Files\\Berth\\Berth.exe',
      electron: '45.4.1',
    },
    {
      program: 'C:\\Program Files\\Berth\\Berth.exe',
      args: [flag, 'C:\\Program Files\\Berth\\resources\\app.asar.unpacked\\dist\\electron\\machine\\main.mjs'],
      env: { ELECTRON_RUN_AS_NODE: '1' },
    },
  ],
  [
    'a checkout in Electron',
    {
      here: join(root, 'checkout/dist/electron'),
      platform: 'linux',
      execPath: '/usr/bin/electron',
      electron: '45.4.1',
    },
    { program: join(root, 'checkout/bin/berth'), args: ['machine'], env: {} },
  ],
  [
    'a checkout in Node',
    { here: join(root, 'checkout/electron/host'), platform: 'darwin', execPath: '/usr/bin/node', electron: undefined },
    { program: join(root, 'checkout/bin/berth'), args: ['machine'], env: {} },
  ],
])('the command of the machine: %s', (_name, setting, command) => {
  expect(machineCommand(setting)).toEqual(command);
});

it('no program is started from inside the archive', () => {
  expect(berthCommand(join(root, 'app.asar/dist/electron'))).toBe(join(root, 'app.asar.unpacked/bin/berth'));
});
