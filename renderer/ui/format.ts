/** How numbers, sizes and times are written in the window. */

const decimal = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const binary = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** "7.8 MB" as images and transfers are counted (powers of 1000), or "7.4 MiB" as memory is (`base` 1024). Three significant digits. */
export function formatBytes(bytes: number, base: 1000 | 1024 = 1000): string {
  const units = base === 1000 ? decimal : binary;
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= (unit === 0 ? base : 999.5) && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  if (unit === 0) return `${Math.round(value)} B`;
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** "12.3 MB/s" */
export const formatRate = (bytesPerSecond: number): string => `${formatBytes(bytesPerSecond)}/s`;

/** "0.4%", "12.3%", "204%" */
export function formatPercent(value: number): string {
  return `${value.toFixed(value >= 99.95 ? 0 : 1)}%`;
}

const steps: [seconds: number, name: string][] = [
  [31_536_000, 'year'],
  [2_592_000, 'month'],
  [604_800, 'week'],
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
];

/** "3 minutes ago", from milliseconds since the epoch; "" for 0, which stands for unknown. */
export function formatAge(time: number, now = Date.now()): string {
  if (!time || time <= 0) return '';
  const seconds = Math.max(0, Math.round((now - time) / 1000));
  for (const [size, name] of steps) {
    const count = Math.floor(seconds / size);
    if (count >= 1) return `${count} ${name}${count === 1 ? '' : 's'} ago`;
  }
  return seconds < 10 ? 'just now' : `${seconds} seconds ago`;
}

/** Twelve digits of an id or digest, without "sha256:". */
export const shortId = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);
