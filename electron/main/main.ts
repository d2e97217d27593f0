import { app, BrowserWindow, dialog, ipcMain, MessageChannelMain, session, shell } from 'electron';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { portChannel } from '../host/channel.ts';
import { createHost, type Host } from '../host/host.ts';
import { settingsPath } from '../settings/settings.ts';
import { APP_ORIGIN, registerAppScheme, serveApp } from './app-protocol.ts';
import { setMenu } from './menu.ts';
import { notifyOfFailures } from './notifications.ts';
import { createTray } from './tray.ts';
import { confine, openWindow } from './window.ts';

// The Electron shell: a window, a tray and notifications around the host. It decides nothing about containers.

/** dist/electron, where this file is when it runs */
const here = dirname(fileURLToPath(import.meta.url));
const renderer = join(here, '..', 'renderer');

let host: Host | undefined;
let window: BrowserWindow | undefined;

function showWindow(): void {
  if (!window || window.isDestroyed()) {
    window = openWindow({
      preload: join(here, 'preload.cjs'),
      stateFile: join(app.getPath('userData'), 'window.json'),
    });
    return;
  }
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
}

/** Gives a page that asks its end of a channel to the host; only Berth's own page is answered. */
function serveChannel(current: Host): void {
  const connect = portChannel(current.router);
  ipcMain.on('berth:connect', (event) => {
    const frame = event.senderFrame;
    if (!frame || frame.parent || !frame.url.startsWith(`${APP_ORIGIN}/`)) return;
    const { port1, port2 } = new MessageChannelMain();
    connect(port1);
    frame.postMessage('berth:port', null, [port2]);
  });
}

/** The host refuses what is no link of a container's. */
function openLink(url: string): void {
  void host?.openExternal(url).catch(() => undefined);
}

async function start(): Promise<void> {
  setMenu(process.platform === 'darwin');
  serveApp(session.defaultSession, renderer);
  host = await createHost({
    settingsFile: settingsPath(),
    openExternal: (url) => shell.openExternal(url),
  });
  serveChannel(host);
  const { containers } = host;
  const tray = createTray(join(here, 'icon.png'), { open: showWindow, quit: () => app.quit() });
  containers.changed.listen(() => tray?.update(containers.rows.values()));
  notifyOfFailures(containers, showWindow);
  // Where there is a tray, closing the window leaves it there.
  app.on('window-all-closed', () => {
    if (!tray) app.quit();
  });
  showWindow();
}

registerAppScheme();
app.enableSandbox();
if (app.requestSingleInstanceLock()) {
  app.on('second-instance', showWindow);
  app.on('activate', showWindow);
  app.on('web-contents-created', (_event, contents) => confine(contents, openLink));
  app.on('will-quit', () => host?.close());
  app
    .whenReady()
    .then(start)
    .catch((error: Error) => {
      dialog.showErrorBox('Berth could not start', error.stack ?? error.message);
      app.exit(1);
    });
} else app.quit();
