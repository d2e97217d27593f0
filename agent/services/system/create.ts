import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { ImageSummary } from '../../api/image.ts';
import type { VolumeInspect } from '../../api/network.ts';
import type { BerthSystem } from '../../api/berth.ts';
import { BERTH_VERSION } from '../../api/version.ts';
import type { CgroupDriver } from '../../cgroups/types.ts';
import type { Filters } from '../../http/query.ts';
import type { KernelFacts } from '../../runtime/types.ts';
import type { EngineConfig } from '../config.ts';
import type { ContainerLookup } from '../containers/types.ts';
import { createDiskUsage, type DiskUsage, type DiskUsageKind } from './disk-usage.ts';
import { buildInfo } from './info.ts';
import { buildVersion } from './version.ts';

/** What the system service needs of the others. */
export interface SystemParts {
  config: EngineConfig;
  facts: KernelFacts;
  cgroups: Pick<CgroupDriver, 'version' | 'controllers'>;
  containers: Pick<ContainerLookup, 'all'>;
  images: {
    list(options: { all: boolean; filters: Filters; sharedSize: boolean }): Promise<ImageSummary[]>;
    /** bytes of all stored layers, each once; estimated from the list when not told */
    layersSize?(): Promise<number>;
  };
  volumes: { list(filters: Filters): Promise<{ Volumes: VolumeInspect[] }> };
  networks?: object;
  runtime: { name: string; version: string; path: string };
  /** all that containers may ask for; default: that one */
  runtimes?: { name: string; path: string }[];
  /** what was found wrong at start, in words for the user */
  warnings?: () => string[];
  /** clients that listen for events */
  listeners?: () => number;
}

export interface Machine {
  /** stays the same for the same machine and root */
  id: string;
  name: string;
  operatingSystem: string;
  osVersion: string;
  rootless: boolean;
}

/** What the system router calls. */
export interface SystemBackend {
  version(): Record<string, unknown>;
  info(): Promise<Record<string, unknown>>;
  /** `kinds` empty: all */
  diskUsage(kinds: ReadonlySet<DiskUsageKind>, apiVersion: string): Promise<DiskUsage>;
  berth(): BerthSystem;
}

export function createSystem(parts: SystemParts): SystemBackend {
  const machine = readMachine(parts.config.root);
  const diskUsage = createDiskUsage(parts);
  return {
    version: () => buildVersion(parts),
    info: () => buildInfo(parts, machine),
    diskUsage,
    berth: () => ({
      version: BERTH_VERSION,
      pid: process.pid,
      cgroupVersion: parts.cgroups.version,
      controllers: [...parts.cgroups.controllers].sort(),
      runtime: parts.runtime,
      rootless: machine.rootless,
      root: parts.config.root,
      warnings: parts.warnings?.() ?? [],
    }),
  };
}

function readMaybe(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** os-release(5): NAME=value, the value perhaps in quotes. */
export function parseOsRelease(text: string): Record<string, string> {
  const result: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const match = /^([A-Z0-9_]+)=(.*)$/.exec(line.trim());
    if (match)
      result[match[1] as string] = (match[2] as string).replace(/^(["'])(.*)\1$/, '$2').replace(/\\(.)/g, '$1');
  }
  return result;
}

function readMachine(root: string): Machine {
  const release = parseOsRelease(readMaybe('/etc/os-release') || readMaybe('/usr/lib/os-release'));
  const digest = createHash('sha256')
    .update(`${readMaybe('/etc/machine-id').trim() || hostname()}\0${root}`)
    .digest('hex');
  return {
    id: digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5'),
    name: hostname(),
    operatingSystem: release['PRETTY_NAME'] || release['NAME'] || 'Linux',
    osVersion: release['VERSION_ID'] ?? '',
    rootless: process.getuid?.() !== 0 || !/^\s*0\s+0\s+4294967295/.test(readMaybe('/proc/self/uid_map')),
  };
}
