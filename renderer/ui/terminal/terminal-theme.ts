import type { ITheme } from '@xterm/xterm';

const light: ITheme = {
  black: '#3a4650',
  red: '#b3261e',
  green: '#136b34',
  yellow: '#7d5600',
  blue: '#1d55a5',
  magenta: '#85308f',
  cyan: '#0a6474',
  white: '#5d6b73',
  brightBlack: '#66747c',
  brightRed: '#c62f25',
  brightGreen: '#157a3c',
  brightYellow: '#8a5f00',
  brightBlue: '#2563c0',
  brightMagenta: '#9a3aa6',
  brightCyan: '#0b7285',
  brightWhite: '#12242c',
  selectionBackground: '#b9dcf2',
};
const dark: ITheme = {
  black: '#7b8a94',
  red: '#ff8f86',
  green: '#6bd796',
  yellow: '#e5b567',
  blue: '#7fb4f5',
  magenta: '#d79be0',
  cyan: '#62d1df',
  white: '#c7d3d9',
  brightBlack: '#8fa0aa',
  brightRed: '#ffa79f',
  brightGreen: '#8ae6ae',
  brightYellow: '#f3cd8a',
  brightBlue: '#a3c9fb',
  brightMagenta: '#e6b8ec',
  brightCyan: '#8ae2ec',
  brightWhite: '#ffffff',
  selectionBackground: '#1f4d6b',
};

/** The terminal's colours in the theme that the window has now. */
export function terminalTheme(root: HTMLElement = document.documentElement): ITheme {
  const style = getComputedStyle(root);
  const value = (name: string, otherwise: string) => style.getPropertyValue(name).trim() || otherwise;
  const isDark = root.dataset['theme'] === 'dark';
  const text = value('--text', isDark ? '#e3edf1' : '#12242c');
  return {
    ...(isDark ? dark : light),
    background: value('--surface', isDark ? '#131e24' : '#ffffff'),
    foreground: text,
    cursor: text,
    cursorAccent: value('--surface', '#ffffff'),
  };
}
