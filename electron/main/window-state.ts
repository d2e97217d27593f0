import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

/** Where the window was, and how large; screen units. */
const schema = z.object({
  x: z.number().int().optional(),
  y: z.number().int().optional(),
  width: z.number().int().min(400).max(20_000),
  height: z.number().int().min(300).max(20_000),
  maximized: z.boolean(),
});
export type WindowState = z.infer<typeof schema>;
export interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

const DEFAULT: WindowState = { width: 1280, height: 800, maximized: false };
/** So much of the window must lie on a screen for its place to be kept. */
const VISIBLE = 100;

/** The kept state, as far as it fits the screens that are there now; else the default. */
export function readWindowState(path: string, screens: readonly Area[]): WindowState {
  let state: WindowState;
  try {
    state = schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return DEFAULT;
  }
  const { x, y, ...size } = state;
  if (x === undefined || y === undefined) return size;
  const visible = screens.some(
    (screen) =>
      x + size.width >= screen.x + VISIBLE &&
      x <= screen.x + screen.width - VISIBLE &&
      y >= screen.y &&
      y <= screen.y + screen.height - VISIBLE,
  );
  return visible ? state : size;
}

/** Losing it costs nothing: failures are not told. */
export async function writeWindowState(path: string, state: WindowState): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.tmp`, JSON.stringify(state));
    await rename(`${path}.tmp`, path);
  } catch {
    // the window opens at its default place next time
  }
}
