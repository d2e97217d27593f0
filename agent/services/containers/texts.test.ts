import { describe, expect, it } from 'vitest';
import { DetachFilter, parseDetachKeys } from './detach-keys.ts';
import { generateName } from './name-generator.ts';
import { hostsText, resolvText } from './network-files.ts';
import { nextDelay } from './restart-policy.ts';
import { createdState, setStatus } from './state.ts';
import { humanDuration, statusText } from './status-text.ts';
import { portSummaries } from './list.ts';

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000];

describe('humanDuration', () => {
  it.each([
    [450, 'Less than a second'],
    [1 * SECOND, '1 second'],
    [59 * SECOND, '59 seconds'],
    [MINUTE, 'About a minute'],
    [MINUTE * 3, '3 minutes'],
    [HOUR * 0.99, '59 minutes'],
    [HOUR, 'About an hour'],
    [HOUR * 35, '35 hours'],
    [HOUR * 48, '2 days'],
    [DAY * 13, '13 days'],
    [DAY * 15, '2 weeks'],
    [DAY * 70, '2 months'],
    [DAY * 800, '2 years'],
  ])('%d ms is %s', (milliseconds, text) => expect(humanDuration(milliseconds)).toBe(text));
});

describe('statusText', () => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  const state = (status: Parameters<typeof setStatus>[1], more: object = {}) => {
    const made = { ...createdState(), StartedAt: '2026-01-01T23:57:00Z', FinishedAt: '2026-01-01T23:59:55Z', ...more };
    setStatus(made, status);
    return statusText(made, now);
  };
  it("has Docker's words", () => {
    expect(state('running')).toBe('Up 3 minutes');
    expect(state('running', { Health: { Status: 'starting', FailingStreak: 0, Log: [] } })).toBe(
      'Up 3 minutes (health: starting)',
    );
    expect(state('running', { Health: { Status: 'healthy', FailingStreak: 0, Log: [] } })).toBe(
      'Up 3 minutes (healthy)',
    );
    expect(state('paused')).toBe('Up 3 minutes (Paused)');
    expect(state('exited', { ExitCode: 137 })).toBe('Exited (137) 5 seconds ago');
    expect(state('restarting', { ExitCode: 1 })).toBe('Restarting (1) 5 seconds ago');
    expect(state('created')).toBe('Created');
    expect(state('removing')).toBe('Removal In Progress');
  });
});

describe('detach keys', () => {
  it('are read as Docker reads them', () => {
    expect(parseDetachKeys(null)).toEqual(Buffer.from([16, 17]));
    expect(parseDetachKeys('ctrl-a,x')).toEqual(Buffer.from([1, 120]));
    expect(() => parseDetachKeys('control-a')).toThrow('Invalid escape keys (control-a) provided');
  });

  it('are found across chunks, and a beginning without an end is handed on', () => {
    const filter = new DetachFilter(parseDetachKeys(''));
    expect(filter.feed(Buffer.from('ab\x10'))).toEqual({ data: Buffer.from('ab'), detached: false });
    expect(filter.feed(Buffer.from('c'))).toEqual({ data: Buffer.from('\x10c'), detached: false });
    expect(filter.feed(Buffer.from('\x10\x10'))).toEqual({ data: Buffer.from('\x10'), detached: false });
    expect(filter.feed(Buffer.from('\x11rest'))).toEqual({ data: Buffer.alloc(0), detached: true });
  });
});

describe('restart delay', () => {
  it('doubles to a minute and begins anew after a good run', () => {
    const delays: number[] = [];
    for (let last = 0, round = 0; round < 12; round += 1) delays.push((last = nextDelay(last, 50)));
    expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
    expect(nextDelay(60_000, 10_000)).toBe(100);
  });
});

describe('files and ports', () => {
  it('always know localhost', () => {
    expect(hostsText([{ address: '10.0.0.2', names: ['a', 'b'] }])).toMatch(
      /^127\.0\.0\.1\tlocalhost\n[\s\S]*\n10\.0\.0\.2\ta b\n$/,
    );
  });
  it('are the host’s own as they are, where its network is', () => {
    expect(hostsText([], '127.0.0.1 localhost # mine')).toBe('127.0.0.1 localhost # mine');
    expect(hostsText([{ address: '10.0.0.2', names: ['a'] }], '127.0.0.1 localhost')).toBe(
      '127.0.0.1 localhost\n10.0.0.2\ta\n',
    );
  });
  it('write resolv.conf', () => {
    expect(resolvText({ servers: ['1.1.1.1', '::1'], search: ['x', 'y'], options: ['ndots:0'] })).toBe(
      'nameserver 1.1.1.1\nnameserver ::1\nsearch x y\noptions ndots:0\n',
    );
  });
  it('list published and exposed ports', () => {
    expect(portSummaries({ '80/tcp': [{ HostIp: '', HostPort: '8080' }], '53/udp': null })).toEqual([
      { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
      { PrivatePort: 53, Type: 'udp' },
    ]);
  });
});

it('names containers of two words, with a digit when the first was taken', () => {
  expect(generateName(0)).toMatch(/^[a-z]+_[a-z]+$/);
  expect(generateName(1)).toMatch(/^[a-z]+_[a-z]+\d$/);
});
