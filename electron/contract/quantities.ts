/** Sizes and numbers as the `docker` command reads them. */

const UNITS: Record<string, number> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, p: 2 ** 50 };

/** "512m", "1.5 GiB" → bytes, in powers of 1024 (docker/go-units, RAMInBytes); undefined when it is none. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?(?:([kmgtp])(?:i?b)?|b)?$/i.exec(text.trim());
  if (!match) return undefined;
  return Math.floor(Number(match[1]) * (UNITS[(match[2] ?? '').toLowerCase()] as number));
}

/** "1.5" → 1 500 000 000 (opts.ParseCPUs); undefined when it is not a number, "precise" when it has more than nine decimals. */
export function parseCpus(text: string): number | 'precise' | undefined {
  const match = /^(\d*)(?:\.(\d*))?$/.exec(text.trim());
  if (!match || (!match[1] && !match[2])) return undefined;
  const decimals = (match[2] ?? '').replace(/0+$/, '');
  if (decimals.length > 9) return 'precise';
  return Number(`${match[1] || '0'}${decimals.padEnd(9, '0')}`);
}

/** "0-2,4": numbers and ranges, ascending within a range. */
export function isCpuSet(text: string): boolean {
  return text.split(',').every((part) => {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim());
    return match !== null && (match[2] === undefined || Number(match[1]) <= Number(match[2]));
  });
}
