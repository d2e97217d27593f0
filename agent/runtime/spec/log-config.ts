import { invalid } from '../../api/errors.ts';
import type { LogConfig } from '../../api/container.ts';

const DRIVERS: ReadonlySet<string> = new Set(['json-file', 'local', 'none']);

const OPTIONS: Readonly<Record<string, ReadonlySet<string>>> = {
  'json-file': new Set(['max-file', 'max-size', 'compress', 'labels', 'labels-regex', 'env', 'env-regex', 'tag']),
  local: new Set(['max-file', 'max-size', 'compress']),
  none: new Set(),
};

/** Options every driver takes. */
const COMMON: ReadonlySet<string> = new Set([
  'mode',
  'max-buffer-size',
  'cache-disabled',
  'cache-max-size',
  'cache-max-file',
  'cache-compress',
]);

/** Bytes of "10m", "1g", "512k" or "100" (go-units, RAMInBytes). Undefined when it cannot be read. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s?([kmgtp]?)(?:i?b)?$/i.exec(text.trim());
  if (!match) return undefined;
  const power = ' kmgtp'.indexOf((match[2] as string).toLowerCase() || ' ');
  return Math.floor(Number(match[1]) * 1024 ** power);
}

/** Throws invalid-parameter for an unknown driver or option, with dockerd's words. */
export function checkLogConfig(log: LogConfig | undefined): void {
  const driver = log?.Type ?? '';
  const options = log?.Config ?? {};
  if (driver !== '' && !DRIVERS.has(driver)) throw invalid(`logger: no log driver named '${driver}' is registered`);
  const known = OPTIONS[driver || 'json-file'] as ReadonlySet<string>;
  for (const name of Object.keys(options))
    if (!known.has(name) && !COMMON.has(name))
      throw invalid(`unknown log opt '${name}' for ${driver || 'json-file'} log driver`);
  const mode = options['mode'];
  if (mode !== undefined && !['', 'blocking', 'non-blocking'].includes(mode))
    throw invalid(`logger: logging mode not supported: ${mode}`);
  const size = options['max-size'];
  if (size !== undefined && size !== '-1' && !parseSize(size))
    throw invalid(`invalid value for max-size: invalid size: '${size}'`);
  const files = options['max-file'];
  if (files !== undefined && !/^[+-]?\d+$/.test(files))
    throw invalid(`invalid value for max-file: strconv.Atoi: parsing ${JSON.stringify(files)}: invalid syntax`);
  if (files !== undefined && Number(files) < 1) throw invalid('max-file cannot be less than 1');
}
