import { describe, expect, it } from 'vitest';
import { checkLogConfig, parseHumanSize } from './log-config.ts';

const check = (Type: string, Config: Record<string, string> = {}) => {
  try {
    checkLogConfig({ Type, Config });
    return 'fine';
  } catch (error) {
    return (error as Error).message;
  }
};
const STARTING = 'failed to initialize logging driver: ';

describe('log drivers and their options', () => {
  it.each<[string, Record<string, string>, string]>([
    ['', {}, 'fine'],
    ['json-file', { 'max-size': '10m', 'max-file': '3', compress: 'true', labels: 'a', tag: '{{.Name}}/x' }, 'fine'],
    ['json-file', { mode: 'non-blocking', 'max-buffer-size': '4m' }, 'fine'],
    ['local', { 'max-size': '1m', 'max-file': '2' }, 'fine'],
    ['none', { anything: 'at all' }, 'fine'],
    ['json-file', { mode: 'sometimes' }, 'logger: logging mode not supported: sometimes'],
    [
      'json-file',
      { 'max-buffer-size': '4m' },
      "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
    ],
    [
      'json-file',
      { mode: 'non-blocking', 'max-buffer-size': 'big' },
      "error parsing option max-buffer-size: invalid size: 'big'",
    ],
    ['json-file', { foo: '1' }, "unknown log opt 'foo' for json-file log driver"],
    ['local', { foo: '1' }, "unknown log opt 'foo' for log driver local"],
    ['json-file', { 'max-size': '0' }, `${STARTING}max-size must be a positive number`],
    ['json-file', { 'max-file': 'x' }, `${STARTING}strconv.Atoi: parsing "x": invalid syntax`],
    ['json-file', { compress: 'maybe' }, `${STARTING}strconv.ParseBool: parsing "maybe": invalid syntax`],
    [
      'json-file',
      { compress: 'true', 'max-size': '1m' },
      `${STARTING}compress cannot be true when max-file is less than 2 or max-size is not set`,
    ],
    ['local', { 'max-file': '1' }, `${STARTING}compression cannot be enabled when max file count is 1`],
    ['local', { 'max-file': '1', compress: 'false' }, 'fine'],
    ['nowhere', {}, "logger: no log driver named 'nowhere' is registered"],
  ])('%s %j: %s', (driver, options, expected) => {
    expect(check(driver, options)).toBe(expected);
  });

  it("says of dockerd's other drivers what there is instead", () => {
    for (const driver of ['syslog', 'journald', 'fluentd', 'gelf', 'splunk', 'awslogs', 'gcplogs'])
      expect(check(driver)).toBe(
        `logger: no log driver named '${driver}' is registered: this engine keeps logs itself, with json-file, local or none`,
      );
    expect(check('json-file', { tag: '{{with .Name}}x{{end}}' })).toContain('log-tag');
  });

  it('reads sizes in thousands, as dockerd does for logs', () => {
    expect(['10m', '1.5kb', '1KiB', '100', 'many'].map(parseHumanSize)).toEqual([10e6, 1500, 1000, 100, undefined]);
  });
});
