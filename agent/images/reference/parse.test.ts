import { describe, expect, it } from 'vitest';
import { checkTag, familiar, familiarName, fullReference, parseReference, withDefaultTag } from './parse.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('parseReference', () => {
  it.each([
    ['busybox', 'docker.io/library/busybox', 'busybox'],
    ['library/busybox', 'docker.io/library/busybox', 'busybox'],
    ['docker.io/busybox', 'docker.io/library/busybox', 'busybox'],
    ['index.docker.io/library/busybox:1', 'docker.io/library/busybox:1', 'busybox:1'],
    ['grafana/grafana', 'docker.io/grafana/grafana', 'grafana/grafana'],
    ['localhost/x', 'localhost/x', 'localhost/x'],
    ['localhost:5000/x:y', 'localhost:5000/x:y', 'localhost:5000/x:y'],
    ['127.0.0.1:5000/a/b/c', '127.0.0.1:5000/a/b/c', '127.0.0.1:5000/a/b/c'],
    ['[::1]:5000/a', '[::1]:5000/a', '[::1]:5000/a'],
    ['UPPER/a', 'UPPER/a', 'UPPER/a'],
    ['a__b/c-d.e', 'docker.io/a__b/c-d.e', 'a__b/c-d.e'],
    [`busybox@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`, `busybox@${DIGEST}`],
    [`busybox:1@${DIGEST}`, `docker.io/library/busybox:1@${DIGEST}`, `busybox:1@${DIGEST}`],
  ])('reads %s', (text, full, short) => {
    const reference = parseReference(text);
    expect(fullReference(reference)).toBe(full);
    expect(familiar(reference)).toBe(short);
    expect(parseReference(familiar(reference))).toEqual(reference);
  });

  it.each([
    ['', 'invalid reference format'],
    ['a b', 'invalid reference format'],
    ['a:b:c', 'invalid reference format'],
    ['-a', 'invalid reference format'],
    ['a/', 'invalid reference format'],
    ['http://x/y', 'invalid reference format'],
    ['a:', 'invalid reference format'],
    [`a:${'t'.repeat(129)}`, 'invalid reference format'],
    ['../etc', 'invalid reference format'],
    ['a___b', 'invalid reference format'],
    ['Busybox', 'invalid reference format: repository name (library/Busybox) must be lowercase'],
    ['localhost:5000/Foo', 'invalid reference format: repository name (Foo) must be lowercase'],
    ['a'.repeat(64), `invalid repository name (${'a'.repeat(64)}), cannot specify 64-byte hexadecimal strings`],
    ['x/' + 'y'.repeat(256), 'repository name must not be more than 255 characters'],
    [`a@sha256:${'a'.repeat(40)}`, 'invalid checksum digest length'],
    [`a@md5:${'a'.repeat(32)}`, 'unsupported digest algorithm'],
    [`a@sha256:${'A'.repeat(64)}`, 'invalid checksum digest format'],
  ])('refuses %j as Docker does', (text, message) => {
    expect(() => parseReference(text)).toThrow(message);
  });

  it('adds the tag latest only where neither tag nor digest is', () => {
    expect(withDefaultTag(parseReference('a')).tag).toBe('latest');
    expect(withDefaultTag(parseReference('a:1')).tag).toBe('1');
    expect(withDefaultTag(parseReference(`a@${DIGEST}`)).tag).toBeUndefined();
    expect(familiarName(parseReference('a:1'))).toBe('a');
    expect(() => checkTag('a b')).toThrow('invalid tag format');
  });
});
