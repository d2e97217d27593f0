import { expect, test } from 'vitest';
import { aContainer } from '../../testing/samples.ts';
import { portLabels, publishedHost } from './ports.ts';
import { filterRows, isAllowed } from './rules.ts';

test('only what the engine accepts in a state is offered', () => {
  expect(isAllowed('start', 'running')).toBe(false);
  expect(isAllowed('start', 'exited')).toBe(true);
  expect(isAllowed('pause', 'paused')).toBe(false);
  expect(isAllowed('unpause', 'paused')).toBe(true);
  expect(isAllowed('remove', 'removing')).toBe(false);
});

test('the list is filtered by state and by every word', () => {
  const rows = [
    aContainer({
      name: 'web',
      image: 'nginx:1',
      state: 'running',
      ports: [{ PublicPort: 8080, PrivatePort: 80, Type: 'tcp' }],
    }),
    aContainer({ name: 'db', image: 'postgres', state: 'exited' }),
    aContainer({ name: 'old-web', image: 'nginx:0', state: 'exited' }),
    aContainer({ name: 'held', image: 'redis', state: 'paused' }),
  ];
  const names = (filter: Parameters<typeof filterRows>[1], text: string) =>
    filterRows(rows, filter, text).map((row) => row.name);
  expect(names('running', '')).toEqual(['web', 'held']);
  expect(names('stopped', 'NGINX')).toEqual(['old-web']);
  expect(names('all', 'nginx web')).toEqual(['web', 'old-web']);
  expect(names('all', '8080')).toEqual(['web']);
});

test('ports: both address families are one, published TCP is a link, the rest is text', () => {
  const labels = portLabels([
    { PrivatePort: 6379, Type: 'tcp' },
    { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
    { IP: '::', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
    { IP: '0.0.0.0', PrivatePort: 53, PublicPort: 53, Type: 'udp' },
    { IP: '10.0.0.7', PrivatePort: 443, PublicPort: 8443, Type: 'tcp' },
  ]);
  expect(labels).toEqual([
    { text: '8080→80', url: 'http://localhost:8080' },
    { text: '8443→443', url: 'http://10.0.0.7:8443' },
    { text: '53→53/udp' },
    { text: '6379/tcp' },
  ]);
});

test('ports of an engine behind ssh are reached on its machine', () => {
  expect(publishedHost('ssh://me@box.example:22')).toBe('box.example');
  expect(publishedHost('unix:///run/berth.sock')).toBe('localhost');
});
