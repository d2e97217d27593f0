import { expect, test } from 'vitest';
import { anImage } from '../../testing/samples.ts';
import { capabilityName, capabilityProblem } from './capabilities.ts';
import { mergeVariables, parseEnvLines } from './env-lines.ts';
import { sectionOf } from './sections.ts';
import { isStored } from './stored-image.ts';

test('lines of an .env file become variables', () => {
  expect(parseEnvLines('# db\nPGUSER=me\nexport URL="http://x/?a=b"\n\n-e EMPTY=\r\n')).toEqual([
    { name: 'PGUSER', value: 'me' },
    { name: 'URL', value: 'http://x/?a=b' },
    { name: 'EMPTY', value: '' },
  ]);
  expect(parseEnvLines('just a name')).toBeUndefined();
  expect(parseEnvLines('')).toBeUndefined();
});

test('pasted variables take the place of the row they were pasted into and of rows with their names', () => {
  const rows = [
    { name: 'A', value: '1' },
    { name: '', value: '' },
    { name: 'B', value: '2' },
  ];
  const pasted = [
    { name: 'C', value: '3' },
    { name: 'B', value: 'new' },
  ];
  expect(mergeVariables(rows, 1, pasted)).toEqual([
    { name: 'A', value: '1' },
    { name: 'C', value: '3' },
    { name: 'B', value: 'new' },
  ]);
});

test('a stored image is known by any of its names', () => {
  const images = [
    anImage({
      id: `sha256:${'ab'.repeat(32)}`,
      tags: ['alpine:latest', '127.0.0.1:5000/debian:1'],
      digests: ['alpine@sha256:1'],
    }),
  ];
  for (const name of [
    'alpine',
    'docker.io/library/alpine',
    'alpine:latest',
    '127.0.0.1:5000/debian:1',
    'alpine@sha256:1',
    'abababab',
  ])
    expect(isStored(name, images), name).toBe(true);
  for (const name of ['', 'alpine:3', '127.0.0.1:5000/debian', 'deadbeef'])
    expect(isStored(name, images), name).toBe(false);
});

test('capabilities are taken as people write them, and unknown ones are told', () => {
  expect(capabilityName(' cap_net_admin')).toBe('NET_ADMIN');
  expect(capabilityProblem(['NET_ADMIN', 'ALL'])).toBe('');
  expect(capabilityProblem(['NET_ADMIM'])).toContain('NET_ADMIM');
});

test('every field has its section', () => {
  expect(sectionOf('ports.0.hostPort')).toBe('ports');
  expect(sectionOf('network')).toBe('ports');
  expect(sectionOf('capAdd')).toBe('security');
  expect(sectionOf('nonsense')).toBeUndefined();
});
