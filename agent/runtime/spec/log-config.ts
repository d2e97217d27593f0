import { invalid } from '../../api/errors.ts';
import type { LogConfig } from '../../api/container.ts';

const DRIVERS: ReadonlySet<string> = new Set(['json-file', 'local', 'none']);
/** What dockerd has besides: their logs leave the machine or go to its journal, which this engine does not do. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  ...['awslogs', 'etwlogs', 'fluentd', 'gcplogs', 'gelf', 'journald', 'splunk', 'syslog'],
]);

const ATTRIBUTES = ['labels', 'labels-regex', 'env', 'env-regex', 'tag'];
const OPTIONS: ReadonlySet<string> = new Set(['max-file', 'max-size', 'compress', ...ATTRIBUTES]);

/** Options every driver takes. */
const COMMON: ReadonlySet<string> = new Set([
  'mode',
  'max-buffer-size',
  'cache-disabled',
  'cache-max-size',
  'cache-max-file',
  'cache-compress',
]);

/** The fields of a tag's template that are known. */
const TAG_FIELD = /\{\{\s*\.(?:ID|FullID|Name|ImageID|ImageFullID|ImageName|DaemonName|Hostname|Command)\s*\}\}/g;

const sizePattern = /^(\d+(?:\.\d+)?)\s?([kmgtp]?)(?:i?b)?$/i;
const scale = (text: string, base: number): number | undefined => {
  const match = sizePattern.exec(text.trim());
  if (!match) return undefined;
  return Math.floor(Number(match[1]) * base ** ' kmgtp'.indexOf((match[2] as string).toLowerCase() || ' '));
};

/** Bytes of "10m", "1g" or "100", in thousands (go-units, FromHumanSize). Undefined when it cannot be read. */
export const parseHumanSize = (text: string): number | undefined => scale(text, 1000);

/** Throws invalid-parameter for an unknown driver or option, with dockerd's words. */
export function checkLogConfig(log: LogConfig | undefined): void {
  const driver = log?.Type || 'json-file';
  const options = log?.Config ?? {};
  // As dockerd has it: what is not kept needs no options, and none is looked at.
  if (driver === 'none') return;
  checkMode(options);
  if (ELSEWHERE.has(driver))
    throw invalid(
      `logger: no log driver named '${driver}' is registered: this engine keeps logs itself, with json-file, local or none`,
    );
  if (!DRIVERS.has(driver)) throw invalid(`logger: no log driver named '${driver}' is registered`);
  for (const name of Object.keys(options))
    if (!OPTIONS.has(name) && !COMMON.has(name))
      throw invalid(
        driver === 'local'
          ? `unknown log opt '${name}' for log driver local`
          : `unknown log opt '${name}' for ${driver} log driver`,
      );
  // What follows dockerd finds only when the container starts.
  try {
    checkRotation(driver, options);
    checkAttributes(options);
  } catch (error) {
    throw invalid(`failed to initialize logging driver: ${(error as Error).message}`);
  }
}

function checkMode(options: Record<string, string>): void {
  const mode = options['mode'] ?? '';
  if (!['', 'blocking', 'non-blocking'].includes(mode)) throw invalid(`logger: logging mode not supported: ${mode}`);
  const size = options['max-buffer-size'];
  if (size === undefined) return;
  if (mode !== 'non-blocking')
    throw invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  if (scale(size, 1024) === undefined) throw invalid(`error parsing option max-buffer-size: invalid size: '${size}'`);
}

function checkRotation(driver: string, options: Record<string, string>): void {
  const local = driver === 'local';
  const size = options['max-size'];
  const bytes = size === undefined ? undefined : parseHumanSize(size);
  if (size !== undefined && bytes === undefined)
    throw new Error(`${local ? `invalid value for max-size: ${size}: ` : ''}invalid size: '${size}'`);
  if (!local && bytes === 0) throw new Error('max-size must be a positive number');
  const files = options['max-file'];
  if (files !== undefined && !/^[+-]?\d+$/.test(files))
    throw new Error(
      `${local ? `invalid value for max-file: ${files}: ` : ''}strconv.Atoi: parsing ${JSON.stringify(files)}: invalid syntax`,
    );
  if (local && Number(files) < 0) throw new Error('max-file must not be negative');
  if (!local && files !== undefined && Number(files) < 1) throw new Error('max-file cannot be less than 1');
  const packed = options['compress'];
  if (packed !== undefined && !/^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(packed))
    throw new Error(
      `${local ? 'invalid boolean value for compress: ' : ''}strconv.ParseBool: parsing ${JSON.stringify(packed)}: invalid syntax`,
    );
  const packs = packed === undefined ? local : /^(1|t)/i.test(packed);
  if (local && packs && Number(files ?? 5) <= 1)
    throw new Error('compression cannot be enabled when max file count is 1');
  if (!local && packs && (Number(files ?? 1) === 1 || size === undefined))
    throw new Error('compress cannot be true when max-file is less than 2 or max-size is not set');
}

function checkAttributes(options: Record<string, string>): void {
  for (const name of ['labels-regex', 'env-regex'])
    try {
      new RegExp(options[name] ?? '');
    } catch {
      throw new Error(`error parsing regexp: ${options[name]}`);
    }
  const rest = (options['tag'] ?? '').replace(TAG_FIELD, '');
  if (/\{\{|\}\}/.test(rest))
    throw new Error(
      `template: log-tag: ${rest.trim()} is not supported: use {{.ID}}, {{.FullID}}, {{.Name}}, {{.ImageID}}, {{.ImageFullID}}, {{.ImageName}}, {{.DaemonName}}, {{.Hostname}} or {{.Command}}`,
    );
}
