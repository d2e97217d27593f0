import { Menu, type MenuItemConstructorOptions, nativeImage, Tray } from 'electron';
import type { ContainerRow } from '../contract/model.ts';

export interface TrayActions {
  open: () => void;
  quit: () => void;
}

/** "3 containers are running" */
export function runningText(rows: Iterable<ContainerRow>): string {
  let count = 0;
  for (const row of rows) if (row.state === 'running' || row.state === 'paused') count++;
  if (count === 0) return 'No container is running';
  return count === 1 ? '1 container is running' : `${count} containers are running`;
}

/** The icon in the desktop's tray; undefined where the desktop has none. Quitting leaves engine and containers running. */
export function createTray(
  icon: string,
  actions: TrayActions,
): { update(rows: Iterable<ContainerRow>): void } | undefined {
  let tray: Tray;
  try {
    tray = new Tray(nativeImage.createFromPath(icon));
  } catch {
    return undefined;
  }
  let shown = '';
  const update = (rows: Iterable<ContainerRow>) => {
    const text = runningText(rows);
    if (text === shown) return;
    shown = text;
    const items: MenuItemConstructorOptions[] = [
      { label: text, enabled: false },
      { type: 'separator' },
      { label: 'Open Berth', click: actions.open },
      { label: 'Quit (containers go on running)', click: actions.quit },
    ];
    tray.setToolTip(`Berth: ${text}`);
    tray.setContextMenu(Menu.buildFromTemplate(items));
  };
  tray.on('click', actions.open);
  update([]);
  return { update };
}
