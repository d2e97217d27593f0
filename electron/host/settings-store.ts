import { loadSettings, saveSettings, type Settings, type SettingsStore } from '../settings/settings.ts';
import { Latest } from './signals.ts';

/** The settings' file, read once; changes are written one after the other. */
export async function openSettings(path: string): Promise<SettingsStore & { values: Latest<Settings> }> {
  const values = new Latest(await loadSettings(path));
  let writing: Promise<void> = Promise.resolve();
  return {
    path,
    values,
    get current() {
      return values.value;
    },
    change(change) {
      writing = writing
        .catch(() => undefined)
        .then(async () => {
          const next = { ...values.value, ...change };
          await saveSettings(path, next);
          values.set(next);
        });
      return writing;
    },
  };
}
