import type { HealthConfig } from '../../api/container.ts';
import { invalid } from '../../api/errors.ts';
import { parseJsonArray, type Instruction } from './parse.ts';

const DURATIONS = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
} as const;
const FLAGS = [...Object.keys(DURATIONS), 'retries'];
const MILLISECOND = 1e6;

/** HEALTHCHECK [flags] CMD …, or NONE. */
export function parseHealthcheck({ flags, rest }: Instruction): HealthConfig {
  const [, kind = '', command = ''] = /^(\S*)\s*([^]*)$/.exec(rest) ?? [];
  if (kind === '') throw invalid('HEALTHCHECK requires at least one argument');
  const type = kind.toUpperCase();
  if (type === 'NONE') {
    if (command !== '') throw invalid('HEALTHCHECK NONE takes no arguments');
    return { Test: ['NONE'] };
  }
  const given = readFlags(flags);
  if (type !== 'CMD') throw invalid(`Unknown type ${JSON.stringify(type)} in HEALTHCHECK (try CMD)`);
  const words = parseJsonArray(command);
  if ((words ?? []).length === 0 && (words || command === '')) throw invalid('Missing command after HEALTHCHECK CMD');
  const health: HealthConfig = { Test: words ? ['CMD', ...words] : ['CMD-SHELL', command] };
  for (const [flag, key] of Object.entries(DURATIONS)) {
    const value = given.get(flag);
    const duration = value ? parseDuration(value) : 0;
    if (duration !== 0 && duration < MILLISECOND)
      throw invalid(`Interval ${JSON.stringify(flag)} cannot be less than 1ms`);
    if (duration > 0) health[key] = duration;
  }
  const retries = given.get('retries');
  if (retries) {
    if (!/^[+-]?\d+$/.test(retries))
      throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(retries)}: invalid syntax`);
    if (Number(retries) < 0) throw invalid(`--retries cannot be negative (${Number(retries)})`);
    if (Number(retries) > 0) health.Retries = Number(retries);
  }
  return health;
}

function readFlags(flags: readonly string[]): Map<string, string> {
  const given = new Map<string, string>();
  for (const flag of flags) {
    const at = flag.indexOf('=');
    const name = flag.slice(2, at < 0 ? undefined : at);
    if (!FLAGS.includes(name)) throw invalid(`unknown flag: --${name}`);
    if (given.has(name)) throw invalid(`duplicate flag specified: --${name}`);
    if (at < 0) throw invalid(`missing a value on flag: --${name}`);
    given.set(name, flag.slice(at + 1));
  }
  return given;
}

const UNITS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Go's durations ("1m30s"), in nanoseconds. */
export function parseDuration(text: string): number {
  const [, sign, body = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (body === '0') return 0;
  if (/^(\d+\.?\d*|\.\d+)$/.test(body)) throw invalid(`time: missing unit in duration ${JSON.stringify(text)}`);
  if (!/^((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(body))
    throw invalid(`time: invalid duration ${JSON.stringify(text)}`);
  let total = 0;
  for (const [, value, unit] of body.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g))
    total += Number(value) * (UNITS[unit as string] as number);
  return Math.round(sign === '-' ? -total : total);
}
