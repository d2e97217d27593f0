import { spawnSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type Configuration } from 'electron-builder';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { berthCommand, machineCommand, type Command } from '../electron/host/berth-command.ts';
import { root } from './bundle.ts';
import config from './electron-builder.config.ts';
import { guestForPackage } from './packaged-guest.ts';

// A package as the configuration makes it, with Node in Electron's place: that runs what is started "as Node", outside the archive.
const work = mkdtempSync(join(tmpdir(), 'berth-package-'));
const resources = join(work, 'out/linux-unpacked/resources');

beforeAll(async () => {
  mkdirSync(join(work, 'electron'));
  placeProgram(process.execPath, join(work, 'electron/electron'));
  mkdirSync(join(work, 'guest'));
  writeFileSync(join(work, 'guest/manifest.json'), 'no manifest');
  const { beforePack: _guest, ...rest } = config;
  const here: Configuration = {
    ...rest,
    directories: { ...config.directories, output: join(work, 'out') },
    extraResources: [{ from: join(work, 'guest'), to: 'guest' }],
    electronDist: join(work, 'electron'),
    npmRebuild: false,
  };
  await build({
    linux: ['dir'],
    x64: process.arch === 'x64',
    arm64: process.arch === 'arm64',
    projectDir: root,
    publish: 'never',
    config: here,
  });
}, 120_000);
afterAll(() => rmSync(work, { recursive: true }));

function placeProgram(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    writeFileSync(to, `#!/bin/sh\nexec '${from}' "$@"\n`, { mode: 0o755 });
  }
}

const run = ({ program, args, env }: Command, ...more: string[]) =>
  spawnSync(program, [...args, ...more], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: work, BERTH_MACHINE_HOME: join(work, 'machine'), ...env },
  });

describe('the packaged application', () => {
  const setting = () => ({
    here: join(resources, 'app.asar/dist/electron'),
    platform: process.platform,
    execPath: join(resources, '../berth'),
    electron: '45',
  });

  it('starts the machine by itself, with the image that came with it', () => {
    const command = machineCommand(setting());
    expect(command.program).toBe(join(resources, '../berth'));
    expect(command.env).toEqual({ ELECTRON_RUN_AS_NODE: '1' });
    const status = run(command, 'status', '--json');
    expect(status.stderr).toBe('');
    expect(JSON.parse(status.stdout)).toMatchObject({ state: 'stopped' });
    const start = run(command, 'start');
    expect(start.status).toBe(1);
    expect(start.stderr).toContain(`${join(resources, 'guest/manifest.json')}: it is no manifest`);
    expect(start.stderr).toContain('what to do: install Berth again');
  });

  it('has the engine and its command outside the archive, where a program can be started', () => {
    const command = berthCommand(join(resources, 'app.asar.unpacked/dist/electron'));
    expect(command).toBe(join(resources, 'app.asar.unpacked/bin/berth'));
    expect(spawnSync(command, ['engine', '--what'], { encoding: 'utf8' }).stderr).toContain(
      'unknown argument "--what"',
    );
    expect(existsSync(join(resources, 'app.asar.unpacked/dist/agent/guest.cjs'))).toBe(true);
  });
});

describe('the guest in the package', () => {
  it('is of the application’s architecture, and where it cannot be built, it is said where to get it', async () => {
    await expect(guestForPackage('ia32')).rejects.toThrow('no guest for ia32');
    await expect(guestForPackage('arm64', 'darwin')).rejects.toThrow(/bin\/berth machine build --arch arm64/);
  });
});
