import { arch } from 'node:process';
import { existsSync } from 'node:fs';
import { invalid } from '../api/errors.ts';
import type { Descriptor, Platform } from './media-types.ts';

const ARCHITECTURES: Record<string, Platform> = {
  x64: { os: 'linux', architecture: 'amd64' },
  arm64: { os: 'linux', architecture: 'arm64', variant: 'v8' },
};
/** Names people use, and what images have (containerd `platforms`). */
const ALIASES: Record<string, { architecture: string; variant?: string }> = {
  x86_64: { architecture: 'amd64' },
  'x86-64': { architecture: 'amd64' },
  aarch64: { architecture: 'arm64', variant: 'v8' },
  armhf: { architecture: 'arm', variant: 'v7' },
  armel: { architecture: 'arm', variant: 'v6' },
  i386: { architecture: '386' },
};
const DEFAULT_VARIANTS: Record<string, string> = { arm64: 'v8', arm: 'v7' };
const KNOWN = [
  '386',
  'amd64',
  'arm',
  'arm64',
  'loong64',
  'mips',
  'mips64',
  'mips64le',
  'mipsle',
  'ppc64',
  'ppc64le',
  'riscv64',
  's390x',
  'wasm',
];

export const hostPlatform: Platform = ARCHITECTURES[arch] ?? { os: 'linux', architecture: arch };

/** "linux/arm64/v8" */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  const shown = variant !== undefined && !(architecture === 'arm64' && variant === 'v8');
  return `${os}/${architecture}${shown ? `/${variant}` : ''}`;
}

function normalise(os: string, architecture: string, variant?: string): Platform {
  const alias = ALIASES[architecture.toLowerCase()] ?? { architecture: architecture.toLowerCase() };
  const chosen = variant ?? alias.variant ?? DEFAULT_VARIANTS[alias.architecture];
  return { os, architecture: alias.architecture, ...(chosen === undefined ? {} : { variant: chosen }) };
}

/** Reads "linux/arm64", "arm64", "linux", "linux/arm/v7". Throws `invalid-parameter` in containerd's words, as Docker shows them. */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/');
  for (const part of parts)
    if (!/^[A-Za-z0-9_.-]+$/.test(part))
      throw invalid(
        `${JSON.stringify(part)} is an invalid component of ${JSON.stringify(text)}: platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument`,
      );
  const [first = '', second, third] = parts;
  if (parts.length > 3) throw invalid(`${JSON.stringify(text)}: cannot parse platform specifier: invalid argument`);
  if (second !== undefined) return normalise(first.toLowerCase(), second, third);
  if (first.toLowerCase() === 'linux') return hostPlatform;
  const alone = normalise('linux', first);
  if (!KNOWN.includes(alone.architecture))
    throw invalid(`${JSON.stringify(text)}: unknown operating system or architecture: invalid argument`);
  return alone;
}

/** The variants of `wanted` that also do, best first: a v7 machine runs v6 and v5. */
function acceptedVariants(wanted: Platform): (string | undefined)[] {
  if (wanted.architecture === 'arm') {
    const level = Number((wanted.variant ?? 'v7').slice(1));
    return [8, 7, 6, 5].filter((candidate) => candidate <= level).map((candidate) => `v${candidate}`);
  }
  if (wanted.architecture === 'amd64') return [wanted.variant, undefined, 'v1'];
  return [wanted.variant, undefined];
}

export function platformMatches(wanted: Platform, actual: Platform): boolean {
  const is = normalise(actual.os, actual.architecture, actual.variant);
  return (
    is.os === wanted.os && is.architecture === wanted.architecture && acceptedVariants(wanted).includes(is.variant)
  );
}

/** The entry of an index for `wanted`; of several the nearest variant, then the first. */
export function selectManifest(manifests: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  for (const variant of acceptedVariants(wanted)) {
    for (const entry of manifests) {
      if (!entry.platform) continue;
      const is = normalise(entry.platform.os, entry.platform.architecture, entry.platform.variant);
      if (is.os === wanted.os && is.architecture === wanted.architecture && is.variant === variant) return entry;
    }
  }
  return undefined;
}

const INTERPRETERS: Record<string, string> = { amd64: 'x86_64', arm64: 'aarch64', '386': 'i386' };

/** True when this kernel can run programs of the architecture: its own, or through a registered interpreter (binfmt_misc). */
export function canRun(platform: Platform): boolean {
  if (platform.os !== 'linux') return false;
  if (platformMatches(hostPlatform, platform)) return true;
  if (hostPlatform.architecture === 'amd64' && platform.architecture === '386') return true;
  if (hostPlatform.architecture === platform.architecture) return true;
  const name = INTERPRETERS[platform.architecture] ?? platform.architecture;
  return existsSync(`/proc/sys/fs/binfmt_misc/qemu-${name}`) || existsSync('/proc/sys/fs/binfmt_misc/rosetta');
}
