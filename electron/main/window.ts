import { BrowserWindow, screen, type WebContents } from 'electron';
import { APP_ORIGIN } from './app-protocol.ts';
import { readWindowState, type WindowState, writeWindowState } from './window-state.ts';

/** Milliseconds without a change until the window's place is written. */
const SETTLE = 500;

export interface WindowOptions {
  preload: string;
  stateFile: string;
}

/** The one window: sandboxed, without Node, kept to its own origin. */
export function openWindow(options: WindowOptions): BrowserWindow {
  const state = readWindowState(
    options.stateFile,
    screen.getAllDisplays().map((display) => display.workArea),
  );
  const window = new BrowserWindow({
    ...(state.x === undefined ? {} : { x: state.x, y: state.y }),
    width: state.width,
    height: state.height,
    minWidth: 800,
    minHeight: 560,
    show: false,
    title: 'Berth',
    webPreferences: {
      preload: options.preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
    },
  });
  if (state.maximized) window.maximize();
  window.once('ready-to-show', () => window.show());
  keepState(window, options.stateFile);
  void window.loadURL(`${APP_ORIGIN}/`);
  return window;
}

/**
 * For every content there will ever be: no navigation, no windows, no permissions, no webviews. `openLink` decides about a link that
 * would open a window.
 */
export function confine(contents: WebContents, openLink: (url: string) => void): void {
  contents.on('will-navigate', (event) => event.preventDefault());
  contents.on('will-frame-navigate', (event) => event.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(({ url }) => {
    // The link of a published port opens in the user's browser, never here.
    openLink(url);
    return { action: 'deny' };
  });
  // What the terminal copies is written by the page itself after the user's click; nothing else is granted.
  contents.session.setPermissionRequestHandler((_contents, permission, answer) =>
    answer(permission === 'clipboard-sanitized-write'),
  );
  contents.session.setPermissionCheckHandler((_contents, permission) => permission === 'clipboard-sanitized-write');
}

function keepState(window: BrowserWindow, file: string): void {
  let timer: NodeJS.Timeout | undefined;
  const current = (): WindowState => ({ ...window.getNormalBounds(), maximized: window.isMaximized() });
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void writeWindowState(file, current()), SETTLE);
  };
  window.on('resize', later);
  window.on('move', later);
  window.on('close', () => {
    clearTimeout(timer);
    void writeWindowState(file, current());
  });
}
