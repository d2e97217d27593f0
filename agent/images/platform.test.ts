import { describe, expect, it } from 'vitest';
import type { Descriptor } from './media-types.ts';
import { formatPlatform, parsePlatform, platformMatches, selectManifest } from './platform.ts';

const entry = (architecture: string, variant?: string, os = 'linux'): Descriptor => ({
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: `${os}/${architecture}/${variant ?? ''}`,
  size: 1,
  platform: { os, architecture, ...(variant ? { variant } : {}) },
});

describe('platforms', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['arm64', 'linux/arm64'],
    ['aarch64', 'linux/arm64'],
    ['x86_64', 'linux/amd64'],
    ['linux/arm/v6', 'linux/arm/v6'],
    ['Linux/ARM', 'linux/arm/v7'],
    ['windows/amd64', 'windows/amd64'],
  ])('reads %s as %s', (text, shown) => expect(formatPlatform(parsePlatform(text))).toBe(shown));

  it.each(['', 'linux/', 'a/b/c/d', 'plan10', 'linux/am d64'])('refuses %j', (text) =>
    expect(() => parsePlatform(text)).toThrow(/invalid argument$/),
  );

  it('chooses the nearest variant that runs', () => {
    const arms = [entry('arm', 'v5'), entry('arm', 'v6'), entry('arm', 'v8'), entry('amd64')];
    expect(selectManifest(arms, parsePlatform('linux/arm/v7'))?.digest).toBe('linux/arm/v6');
    expect(selectManifest(arms, parsePlatform('linux/arm/v5'))?.digest).toBe('linux/arm/v5');
    expect(selectManifest([entry('arm64'), entry('arm64', 'v8')], parsePlatform('arm64'))?.digest).toBe('linux/arm64/');
    expect(selectManifest([entry('amd64', undefined, 'windows')], parsePlatform('amd64'))).toBeUndefined();
    expect(selectManifest([entry('amd64', 'v3'), entry('amd64')], parsePlatform('amd64'))?.digest).toBe('linux/amd64/');
  });

  it('passes over entries without a platform, such as attestations', () => {
    const { platform: _platform, ...bare } = entry('amd64');
    expect(selectManifest([bare, entry('unknown', undefined, 'unknown')], parsePlatform('amd64'))).toBeUndefined();
  });

  it('takes arm64 and arm64/v8 as the same', () => {
    expect(platformMatches(parsePlatform('linux/arm64'), { os: 'linux', architecture: 'arm64' })).toBe(true);
    expect(platformMatches(parsePlatform('linux/amd64'), { os: 'linux', architecture: 'arm64' })).toBe(false);
  });
});
