import { parseHumanSize } from '../../runtime/spec/log-config.ts';
import type { ContainerRecord } from '../container-record.ts';

export interface LogLimits {
  /** bytes */
  maxSize: number;
  /** files, the one being written included */
  maxFiles: number;
  /** all but the one being written */
  compress: boolean;
}

/** What the driver `local` does without options (moby daemon/logger/local). */
const LOCAL: LogLimits = { maxSize: 20 * 1024 * 1024, maxFiles: 5, compress: true };

/** From the options `max-size`, `max-file` and `compress`; undefined when the log may grow as it likes. */
export function limitsOf({ hostConfig }: Pick<ContainerRecord, 'hostConfig'>): LogLimits | undefined {
  const { Type, Config } = hostConfig.LogConfig ?? {};
  if (Type === 'none') return undefined;
  const defaults = Type === 'local' ? LOCAL : undefined;
  const maxSize = parseHumanSize(Config?.['max-size'] ?? '') ?? defaults?.maxSize ?? 0;
  if (maxSize <= 0) return undefined;
  const asked = Number(Config?.['max-file'] ?? defaults?.maxFiles ?? 1);
  const maxFiles = Number.isInteger(asked) && asked > 0 ? asked : 1;
  const compress = Config?.['compress'] === undefined ? defaults?.compress : isTrue(Config['compress']);
  return { maxSize, maxFiles, compress: Boolean(compress) && maxFiles > 1 };
}

/** As Go's strconv.ParseBool. */
const isTrue = (text: string): boolean => ['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text);
