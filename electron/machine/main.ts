import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { MachineSettings, MachineStatus, StepReport } from '../contract/machine.ts';
import { ask } from './control.ts';
import { machinePaths, type MachinePaths } from './paths.ts';
import { endOrphan } from './qmp.ts';
import { readSettings } from './settings.ts';
import { currentStatus, readStatus } from './status.ts';
import { superviseMachine } from './supervisor.ts';
import { MachineError } from './types.ts';

const USAGE = `Usage: berth machine build [--arch amd64|arm64] [--refresh] [--force]
       berth machine start [--cpus N] [--memory MIB] [--disk GIB] [--image DIR]
       berth machine stop | kill | restart
       berth machine status [--json]
       berth machine reset        removes the data disk with every image, container and volume`;

interface Arguments {
  settings: Partial<MachineSettings>;
  image: string | undefined;
  json: boolean;
}

function parse(argv: readonly string[]): Arguments {
  const result: Arguments = { settings: {}, image: process.env['BERTH_MACHINE_IMAGE'], json: false };
  for (let index = 0; index < argv.length; index++) {
    const name = argv[index] as string;
    if (name === '--json') result.json = true;
    else if (name === '--cpus' || name === '--memory' || name === '--disk') {
      const value = Number(argv[++index]);
      if (!Number.isInteger(value) || value < 1) throw new MachineError(`${name} needs a whole number above 0`, USAGE);
      result.settings[name.slice(2) as 'cpus' | 'memory' | 'disk'] = value;
    } else if (name === '--image' && argv[index + 1] !== undefined) result.image = argv[++index];
    else throw new MachineError(`unknown argument '${name}'`, USAGE);
  }
  return result;
}

/** The image given, or the one that `berth machine build` makes (at once, when it is built already). */
async function imageFor(given: string | undefined): Promise<string> {
  if (given !== undefined) return given;
  const here = dirname(fileURLToPath(import.meta.url));
  const build = ['../../vm-assets/build/main.ts', '../../../vm-assets/build/main.ts']
    .map((path) => join(here, path))
    .find((path) => existsSync(path));
  if (build === undefined) throw new MachineError('there is no image of the machine', 'give one: --image DIR');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', build], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  if (code !== 0) throw new MachineError('the image of the machine could not be built', 'see above');
  return text.trim();
}

async function start(paths: MachinePaths, options: Arguments): Promise<number> {
  if ((await ask(paths.control, 'ping')) !== undefined) {
    console.log(`the machine runs already; socket: ${paths.socket}`);
    return 0;
  }
  const image = await imageFor(options.image);
  mkdirSync(paths.home, { recursive: true, mode: 0o700 });
  writeFileSync(paths.settings, JSON.stringify({ ...readSettings(paths), ...options.settings }), { mode: 0o600 });
  rmSync(paths.status, { force: true });
  const log = openSync(join(paths.home, 'supervisor.log'), 'w', 0o600);
  const holder = spawn(process.execPath, [...process.execArgv, process.argv[1] as string, 'run', '--image', image], {
    stdio: ['ignore', log, log],
    detached: true,
  });
  let gone = false;
  holder.once('exit', () => (gone = true));
  holder.unref();
  const told = new Set<string>();
  for (;;) {
    const status = readStatus(paths);
    tellSteps(status, told);
    if (status.state === 'running') break;
    if (status.state === 'failed') return fail(status);
    if (gone) throw new MachineError('the process that holds the machine ended', `see ${paths.home}/supervisor.log`);
    await sleep(50);
  }
  console.log(`socket: ${paths.socket}\nuse it: export DOCKER_HOST=unix://${paths.socket}`);
  return 0;
}

function tellSteps(status: MachineStatus, told: Set<string>): void {
  for (const warning of status.warnings)
    if (!told.has(warning)) {
      told.add(warning);
      console.log(`warning: ${warning}`);
    }
  for (const step of status.steps) {
    if (step.at === undefined || told.has(step.step)) continue;
    told.add(step.step);
    console.log(stepLine(step));
  }
}

const stepLine = ({ step, at, error }: StepReport) =>
  `${step.padEnd(8)} ${at === undefined ? (error ?? '-') : `${(at / 1000).toFixed(2).padStart(6)} s`}`;

function fail(status: MachineStatus): number {
  const failed = status.steps.find((step) => step.error !== undefined);
  console.error(`berth machine: ${status.error ?? 'failed'}${failed ? ` (step ${failed.step})` : ''}`);
  if (failed?.hint) console.error(`  what to do: ${failed.hint}`);
  console.error(`  console:    ${status.console}`);
  return 1;
}

async function stop(paths: MachinePaths, verb: 'stop' | 'kill'): Promise<number> {
  const answer = await ask(paths.control, verb);
  if (answer === undefined) await endOrphan(paths.monitor);
  const how: Record<string, string> = { clean: 'stopped', hard: 'stopped hard' };
  console.log(answer === undefined ? 'the machine does not run' : (how[answer] ?? answer));
  while ((await ask(paths.control, 'ping')) !== undefined) await sleep(20);
  return answer?.startsWith('error') ? 1 : 0;
}

async function status(paths: MachinePaths, json: boolean): Promise<number> {
  const now = await currentStatus(paths);
  if (json) console.log(JSON.stringify(now, undefined, 2));
  else {
    console.log(
      `state    ${now.state}${now.error ? `: ${now.error}` : ''}\nsocket   ${now.socket}\nconsole  ${now.console}`,
    );
    for (const step of now.steps) console.log(stepLine(step));
    for (const warning of now.warnings) console.log(`warning  ${warning}`);
  }
  return 0;
}

async function reset(paths: MachinePaths): Promise<number> {
  await stop(paths, 'stop');
  for (const path of [paths.data, paths.key, paths.hostKey, paths.status, paths.console, `${paths.console}.1`])
    rmSync(path, { force: true });
  console.log('the machine is reset: the next start makes a new one');
  return 0;
}

async function main(argv: readonly string[]): Promise<number> {
  const [verb, ...rest] = argv;
  const paths = machinePaths();
  const options = parse(rest);
  if (verb === 'start') return start(paths, options);
  if (verb === 'stop' || verb === 'kill') return stop(paths, verb);
  if (verb === 'restart') return (await stop(paths, 'stop')) || start(paths, options);
  if (verb === 'status') return status(paths, options.json);
  if (verb === 'reset') return reset(paths);
  if (verb === 'run') return superviseMachine(paths, await imageFor(options.image));
  console.error(USAGE);
  return 2;
}

try {
  process.exitCode = await main(process.argv.slice(2));
  if (process.argv[2] === 'run') process.exit();
} catch (error) {
  console.error(`berth machine: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof MachineError && error.hint !== '') console.error(`  what to do: ${error.hint}`);
  process.exit(1);
}
