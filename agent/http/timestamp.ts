const SECOND = 1_000_000_000n;
const UNITS: Record<string, bigint> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  ms: 1_000_000n,
  s: SECOND,
  m: 60n * SECOND,
  h: 3600n * SECOND,
};
const LOCAL_DATE = /^(\d{4}-\d\d-\d\d)(?:T(\d\d(?::\d\d(?::\d\d)?)?)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?$/;

/**
 * A time as Docker's clients give it, in nanoseconds since the epoch: seconds with an optional fraction ("1700000000.000000001"), a date
 * (RFC 3339, or its beginning; without a zone it is UTC), or how long ago (Go's "1h30m", from `now` in milliseconds). Undefined when it
 * is none of these.
 */
export function parseTimestamp(text: string, now: number): bigint | undefined {
  const seconds = /^(-?)(\d{1,12})(?:\.(\d{1,9})\d*)?$/.exec(text);
  if (seconds) {
    const value = BigInt(seconds[2] as string) * SECOND + fraction(seconds[3]);
    return seconds[1] === '-' ? -value : value;
  }
  const ago = parseDuration(text);
  if (ago !== undefined) return BigInt(Math.round(now * 1000)) * 1000n - ago;
  const date = LOCAL_DATE.exec(text);
  if (!date) return undefined;
  const [, day, time = '00:00:00', digits, zone = 'Z'] = date;
  const milliseconds = Date.parse(`${day}T${time}${':00'.repeat(2 - (time.split(':').length - 1))}${zone}`);
  return Number.isNaN(milliseconds) ? undefined : BigInt(milliseconds) * 1_000_000n + fraction(digits);
}

const fraction = (digits: string | undefined): bigint => BigInt((digits ?? '').padEnd(9, '0'));

/** Go's time.ParseDuration, in nanoseconds. */
function parseDuration(text: string): bigint | undefined {
  const match = /^([+-]?)((?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+)$/.exec(text);
  if (!match) return undefined;
  let total = 0n;
  for (const [, whole = '0', digits = '', unit = ''] of (match[2] as string).matchAll(
    /(\d+)(?:\.(\d*))?(ns|us|µs|ms|s|m|h)/g,
  )) {
    const size = UNITS[unit] as bigint;
    total += BigInt(whole) * size + (BigInt(digits.slice(0, 9).padEnd(9, '0')) * size) / SECOND;
  }
  return match[1] === '-' ? -total : total;
}
