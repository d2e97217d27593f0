import { expect, test } from 'vitest';
import type { ContainerRow } from '../contract/model.ts';
import { engineHostOf, isAllowedLink } from './links.ts';

const rows = [
  {
    ports: [
      { IP: '192.0.2.7', PublicPort: 8080, PrivatePort: 80, Type: 'tcp' },
      { IP: '2001:DB8::1', PublicPort: 8443, PrivatePort: 443, Type: 'tcp' },
      { IP: '0.0.0.0', PublicPort: 9000, PrivatePort: 9000, Type: 'tcp' },
    ],
  } as ContainerRow,
];

test.each([
  'http://localhost:1234/path?x=1',
  'https://127.0.0.1/',
  'http://[::1]:80/',
  'http://192.0.2.7:8080/',
  'https://[2001:db8::1]:8443/',
  'http://far.example:9000/',
])('opens %s', (url) => expect(isAllowedLink(url, rows, 'far.example')).toBe(true));

test.each([
  'https://example.org/',
  'http://192.0.2.7:8081/',
  'http://192.0.2.8:8080/',
  'http://far.example:9001/',
  'http://localhost.example.org/',
  'http://127.0.0.1.example.org/',
  'http://127.0.0.1@example.org/',
  'http://someone:secret@localhost/',
  'http://localhost:80@example.org:8080/',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'ssh://localhost/',
  'x-man-page://localhost/',
  '-h',
  'not a url',
])('does not open %s', (url) => expect(isAllowedLink(url, rows, 'far.example')).toBe(false));

test('the machine of an engine', () => {
  expect(engineHostOf('ssh://root@far.example:2222')).toBe('far.example');
  expect(engineHostOf('unix:///run/x.sock')).toBeUndefined();
});
