import { readFile } from 'node:fs/promises';
import { arch, availableParallelism, homedir, platform, release, totalmem } from 'node:os';
import type { EngineStatus } from '../contract/model.ts';
import type { EngineOption, Place } from '../contract/engines.ts';
import type { MachineStatus } from '../contract/machine.ts';
import { redact } from './redact.ts';

export interface ReportParts {
  /** Berth's own version */
  version: string;
  engine: EngineStatus;
  chosen: EngineOption | undefined;
  machine: MachineStatus;
  places: Place[];
  /** logs whose last lines are added, by name */
  logs: { name: string; path: string }[];
  home?: string;
  now?: Date;
}

const TAIL = 60;
const READ = 256 * 1024;

/** All that helps to find a fault, as text for a bug report: readable, and without secrets. */
export async function makeReport(parts: ReportParts): Promise<string> {
  const { engine, machine, chosen } = parts;
  const sections = [
    section('Berth', {
      version: parts.version,
      'made at': (parts.now ?? new Date()).toISOString(),
      host: `${platform()} ${release()} ${arch()}, ${availableParallelism()} CPUs, ${gib(totalmem())}`,
      node: process.version,
    }),
    section('Engine', {
      chosen: chosen && `${chosen.kind} (${chosen.endpoint})`,
      state: engine.state,
      problem: engine.problem && [engine.problem.title, engine.problem.detail].filter(Boolean).join(': '),
      version: engine.version && `${engine.berth ? 'Berth' : 'Docker-compatible'} ${engine.version}`,
      api: engine.apiVersion,
      kernel: engine.kernel,
      system: [engine.os, engine.architecture].filter(Boolean).join(', '),
      cgroup: engine.cgroupVersion && `v${engine.cgroupVersion}`,
      runtime: engine.runtime,
      warnings: engine.warnings.join('; '),
    }),
    section('Machine', {
      state: machine.state,
      error: machine.error,
      driver: machine.driver && `${machine.driver}, ${machine.accelerator ?? '?'}`,
      steps: machine.steps
        .map(({ step, at, error }) => `${step} ${error ?? (at === undefined ? '-' : `${at} ms`)}`)
        .join(', '),
      settings: machine.settings && JSON.stringify(machine.settings),
      warnings: machine.warnings.join('; '),
    }),
    section(
      'Places',
      Object.fromEntries(parts.places.map(({ name, path, exists }) => [name, exists ? path : `${path} (not there)`])),
    ),
    ...(await Promise.all(parts.logs.map(tail))),
  ];
  return redact(`${sections.filter(Boolean).join('\n\n')}\n`, parts.home ?? homedir());
}

function section(title: string, facts: Record<string, string | undefined>): string {
  const lines = Object.entries(facts).filter(([, value]) => value);
  return `## ${title}\n${lines.map(([name, value]) => `${name}: ${value}`).join('\n')}`;
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

async function tail({ name, path }: { name: string; path: string }): Promise<string> {
  const text = await readFile(path).then(
    (content) => content.subarray(-READ).toString('utf8').trimEnd(),
    () => '',
  );
  return text && `## ${name}, its last lines\n${text.split('\n').slice(-TAIL).join('\n')}`;
}
