import type { ProgressMessage } from '../../api/image.ts';
import { shortId } from '../digest.ts';

export type OnProgress = (message: ProgressMessage) => void;

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** As go-units' HumanSize: four digits, powers of a thousand. */
export function humanSize(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(4))}${UNITS[unit]}`;
}

/** "[=====>      ]  1.2MB/3.4MB", for clients that show it as it is. */
export function progressBar(current: number, total: number): string {
  if (total <= 0) return humanSize(current).padStart(8);
  const done = Math.min(50, Math.floor((current / total) * 50));
  const bar = done >= 50 ? `${'='.repeat(50)}>` : `${'='.repeat(done)}>${' '.repeat(50 - done)}`;
  return `[${bar}] ${humanSize(current).padStart(8)}/${humanSize(total)}`;
}

/** What is said of one layer, under the beginning of its blob's digest. */
export function layerProgress(onProgress: OnProgress, digest: string) {
  const id = shortId(digest);
  const bytes = (status: string) => (current: number, total: number) =>
    onProgress({ status, progressDetail: { current, total }, progress: progressBar(current, total), id });
  return {
    say: (status: string) => onProgress({ status, progressDetail: {}, id }),
    downloading: bytes('Downloading'),
    extracting: bytes('Extracting'),
    pushing: bytes('Pushing'),
  };
}
