import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { EngineDefaults, Place } from '../contract/engines.ts';
import { makeReport } from '../diagnostics/report.ts';
import type { EngineClient } from '../engine/client.ts';
import { machinePaths } from '../machine/paths.ts';
import { berthRoot } from './berth-command.ts';
import type { EngineLink } from './engine-link.ts';
import { enginePaths } from './engine-process.ts';
import type { Engines } from './engines.ts';
import { HostError } from './failures.ts';
import type { MachineService } from './machine-service.ts';

/** Where things are on this machine's disk. Those of engines that this platform cannot have are left out. */
export function places(settingsFile: string, linux = process.platform === 'linux'): Place[] {
  const machine = machinePaths();
  const engine = enginePaths();
  const all: [string, string][] = [
    ['Settings', settingsFile],
    ...((linux
      ? [
          ['Images, containers and volumes', engine.root],
          ['Engine log', engine.log],
          ['Engine socket', engine.socket],
        ]
      : []) as [string, string][]),
    ['Machine disk', machine.data],
    ['Machine console', machine.console],
    ['Machine socket', machine.socket],
  ];
  return all.map(([name, path]) => ({ name, path, exists: existsSync(path) }));
}

export async function engineDefaults(client: EngineClient): Promise<EngineDefaults> {
  const info = await client.info();
  const registries = info.RegistryConfig;
  const named = Object.values(registries?.IndexConfigs ?? {}).filter(({ Secure }) => !Secure);
  return {
    root: info.DockerRootDir ?? '',
    logDriver: info.LoggingDriver ?? '',
    httpProxy: withoutPassword(info.HttpProxy ?? ''),
    httpsProxy: withoutPassword(info.HttpsProxy ?? ''),
    noProxy: info.NoProxy ?? '',
    insecureRegistries: [...(registries?.InsecureRegistryCIDRs ?? []), ...named.map(({ Name }) => Name)],
    mirrors: registries?.Mirrors ?? [],
  };
}

/** Other engines than Berth's may tell it. */
const withoutPassword = (url: string): string => url.replace(/\/\/[^/@]+@/, '//***@');

export async function report(
  link: EngineLink,
  engines: Engines,
  machine: MachineService,
  settingsFile: string,
): Promise<{ text: string }> {
  const paths = machinePaths();
  const text = await makeReport({
    version: ownVersion(),
    engine: link.status.value,
    chosen: engines.chosen,
    machine: await machine.status(),
    places: places(settingsFile),
    logs: [
      { name: 'Engine log', path: enginePaths().log },
      { name: 'Machine', path: paths.log },
      { name: 'Machine’s holder', path: join(dirname(paths.log), 'holder.log') },
      { name: 'Machine’s console', path: paths.console },
    ],
  });
  return { text };
}

function ownVersion(): string {
  try {
    return (JSON.parse(readFileSync(join(berthRoot(), 'package.json'), 'utf8')) as { version: string }).version;
  } catch {
    throw new HostError({ code: 'internal', message: 'Berth’s own package.json is not there.' });
  }
}
