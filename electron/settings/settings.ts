import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';

/** What the user chose, kept in one JSON file. Unknown names are kept: a newer Berth may have written them. */
const schema = z.looseObject({
  version: z.literal(1).default(1),
  theme: z.enum(['system', 'light', 'dark']).catch('system').default('system'),
  /** the id of the engine in use; '' is this platform's own */
  engine: z.string().catch('').default(''),
  /** engines that were added in the window */
  engines: z
    .array(z.object({ name: z.string(), endpoint: z.string() }))
    .catch([])
    .default([]),
});
export type Settings = z.infer<typeof schema>;

/** The settings as they are now, for who follows them; a change is on disk before it is told. */
export interface SettingsStore {
  readonly path: string;
  readonly current: Settings;
  change(change: Partial<Settings>): Promise<void>;
}

/** `$XDG_CONFIG_HOME/berth/settings.json` (https://specifications.freedesktop.org/basedir-spec/). */
export function settingsPath(env: NodeJS.ProcessEnv = process.env): string {
  const base = env['XDG_CONFIG_HOME'];
  return join(base?.startsWith('/') ? base : join(homedir(), '.config'), 'berth', 'settings.json');
}

/** Defaults when there is no file. A file that cannot be read as settings is set aside, never deleted. */
export async function loadSettings(path: string): Promise<Settings> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return schema.parse({});
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    await rename(path, `${path}.unreadable-${Date.now()}`).catch(() => undefined);
    return schema.parse({});
  }
}

/** Whole or not at all: a temporary file, synced, then renamed. */
export async function saveSettings(path: string, settings: Settings): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(settings, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
