import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadSettings, saveSettings, settingsPath } from './settings.ts';

describe('settings', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'berth-settings-'));
    path = join(directory, 'deep', 'settings.json');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('are defaults, then what was saved; what a newer Berth wrote stays', async () => {
    const settings = await loadSettings(path);
    expect(settings.theme).toBe('system');
    await saveSettings(path, { ...settings, theme: 'dark', later: 1 } as typeof settings);
    const again = await loadSettings(path);
    expect(again).toMatchObject({ theme: 'dark', later: 1 });
    expect(readdirSync(join(directory, 'deep'))).toEqual(['settings.json']);
  });

  it.each(['{', '[]', '{"version":99}'])('%s is set aside, not deleted', async (text) => {
    const file = join(directory, 's.json');
    writeFileSync(file, text);
    expect((await loadSettings(file)).theme).toBe('system');
    const [aside] = readdirSync(directory);
    expect(aside).toMatch(/^s\.json\.unreadable-\d+$/);
    expect(readFileSync(join(directory, aside as string), 'utf8')).toBe(text);
  });

  it('a value that is not known is the default', async () => {
    const file = join(directory, 's.json');
    writeFileSync(file, '{"version":1,"theme":"pink"}');
    expect((await loadSettings(file)).theme).toBe('system');
    expect(readdirSync(directory)).toEqual(['s.json']);
  });

  it('lie where the desktop keeps such files', () => {
    expect(settingsPath({ XDG_CONFIG_HOME: '/c' })).toBe('/c/berth/settings.json');
    expect(settingsPath({ XDG_CONFIG_HOME: 'relative' })).toMatch(/\/\.config\/berth\/settings\.json$/);
  });
});
