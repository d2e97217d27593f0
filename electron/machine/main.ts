import { spawn } from 'node:child_process';
import { START_MODES, type MachineSettings, type MachineStatus, type StepReport } from '../contract/machine.ts';
import { socketAddress } from '../contract/socket-address.ts';
import { Holder } from './holder.ts';
import { imageBuilder, imageRemedy, packagedImage } from './image-place.ts';
import { createMachineControl } from './machine-control.ts';
import { machinePaths, type MachinePaths } from './paths.ts';
import { readStatus } from './status.ts';
import { MachineError, type MachineControl } from './types.ts';

const USAGE = `Usage: berth machine build [--arch amd64|arm64] [--refresh] [--force]
       berth machine start [SETTING...] [--image DIR]
       berth machine wait          started by the first request on its socket
       berth machine stop [--timeout SECONDS] | kill | restart
       berth machine set SETTING... | settings
       berth machine status [--json]
       berth machine reset        removes the data disk with every image, container and volume
Settings: --cpus N --memory MIB --disk GIB --folder PATH[:ro] (again for more; --no-folders) --idle-minutes N --start manual|application|demand`;

interface Arguments {
  settings: Partial<MachineSettings>;
  image: string | undefined;
  json: boolean;
  /** seconds until a machine that does not stop is ended */
  timeout: number | undefined;
}

const NUMBERS = { '--cpus': 'cpus', '--memory': 'memory', '--disk': 'disk', '--idle-minutes': 'idleMinutes' } as const;
const isNumber = (name: string): name is keyof typeof NUMBERS => name in NUMBERS;

function parse(argv: readonly string[]): Arguments {
  const result: Arguments = {
    settings: {},
    image: process.env['BERTH_MACHINE_IMAGE'],
    json: false,
    timeout: undefined,
  };
  for (let index = 0; index < argv.length; index++) {
    const name = argv[index] as string;
    const value = () => {
      const next = argv[++index];
      if (next === undefined) throw new MachineError(`${name} needs a value`, USAGE);
      return next;
    };
    if (name === '--json') result.json = true;
    else if (name === '--timeout') result.timeout = seconds(value());
    else if (name === '--image') result.image = value();
    else if (name === '--no-folders') result.settings.folders = [];
    else if (name === '--folder') (result.settings.folders ??= []).push(folderOf(value()));
    else if (name === '--start') result.settings.start = startMode(value());
    else if (isNumber(name)) result.settings[NUMBERS[name]] = Number(value());
    else throw new MachineError(`unknown argument '${name}'`, USAGE);
  }
  return result;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3600)) throw new MachineError(`${text} is no time-out`, 'give seconds, up to 3600');
  return value;
}

const folderOf = (text: string) => ({ path: text.replace(/:(ro|rw)$/, ''), writable: !text.endsWith(':ro') });

function startMode(text: string): MachineSettings['start'] {
  const found = START_MODES.find((mode) => mode === text);
  if (!found) throw new MachineError(`there is no start mode '${text}'`, `choose one of ${START_MODES.join(', ')}`);
  return found;
}

/** The image given, the one that came with the application, or the one that `berth machine build` makes (at once, when it is built already). */
async function imageFor(given: string | undefined): Promise<string> {
  const there = given ?? packagedImage();
  if (there !== undefined) return there;
  const build = imageBuilder();
  if (build === undefined) throw new MachineError('there is no image of the machine', imageRemedy(false));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', build], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  if (code !== 0) throw new MachineError('the image of the machine could not be built', 'see above');
  return text.trim();
}

/** Runs `work` and prints each step that is reached meanwhile, with its time. */
async function tellingSteps(paths: MachinePaths, before: MachineStatus, work: () => Promise<void>): Promise<void> {
  const told = new Set<string>();
  const once = (key: string, line: string) => {
    if (!told.has(key)) console.log(line);
    told.add(key);
  };
  const tell = () => {
    const status = readStatus(paths);
    // what one left that was killed
    if (before.state === 'stopped' && status.pid === before.pid) return;
    if (status.state === 'starting' || status.state === 'running') {
      for (const warning of status.warnings) once(warning, `warning: ${warning}`);
      for (const step of status.steps) if (step.at !== undefined) once(step.step, stepLine(step));
    }
  };
  const timer = setInterval(tell, 50);
  try {
    await work();
    tell();
  } finally {
    clearInterval(timer);
  }
}

const stepLine = ({ step, at, error, kept }: StepReport) =>
  `${step.padEnd(8)} ${at === undefined ? (error ?? '-') : `${(at / 1000).toFixed(2).padStart(6)} s${kept ? ' (kept)' : ''}`}`;

async function start(paths: MachinePaths, control: MachineControl, options: Arguments): Promise<void> {
  if (Object.keys(options.settings).length > 0) await set(control, options);
  const before = await control.status();
  if (before.state === 'running') console.log('the machine runs already');
  else await tellingSteps(paths, before, () => control.start());
  console.log(`socket: ${paths.socket}\nuse it: export DOCKER_HOST=${socketAddress(paths.socket)}`);
}

async function set(control: MachineControl, options: Arguments): Promise<void> {
  const { needsRestart } = await control.setSettings(options.settings);
  if (needsRestart.length > 0) console.log(`in force after berth machine restart: ${needsRestart.join(', ')}`);
}

const STOPPED = {
  clean: 'stopped',
  hard: 'stopped hard: it did not end by itself in time',
  'not running': 'the machine does not run',
} as const;

function printStatus(status: MachineStatus): void {
  const lines = [`state    ${status.state}${status.error ? `: ${status.error}` : ''}`];
  if (status.standstill)
    lines.push(`stands   ${status.standstill.why}`, `         what to do: ${status.standstill.hint}`);
  if (status.endedHard)
    lines.push('ended    hard: what its containers had not written is lost; its disk is checked at the next start');
  lines.push(`socket   ${status.socket}`);
  if (status.connection && status.connection !== 'none')
    lines.push(`ssh      ${status.connection}${status.refusal ? `: ${status.refusal.error}` : ''}`);
  if (status.refusal) lines.push(`         what to do: ${status.refusal.hint}`);
  for (const step of status.steps)
    lines.push(stepLine(step), ...(step.hint ? [`         what to do: ${step.hint}`] : []));
  for (const { protocol, hostAddress, port, container, error } of status.ports ?? [])
    lines.push(`port     ${hostAddress}:${port}/${protocol} ${container}${error ? `: ${error}` : ''}`);
  for (const { path, how, error, notifyLimit, ownerLimit } of status.folders ?? []) {
    lines.push(`folder   ${path}${error ? `: ${error}` : ` ${how}`}`);
    if (notifyLimit) lines.push(`         changes: ${notifyLimit}`);
    if (ownerLimit) lines.push(`         owners: ${ownerLimit}`);
  }
  if (status.memory) lines.push(`memory   ${Object.entries(status.memory).map(mebibytes).join(', ')} (MiB)`);
  if (status.disk) lines.push(`disk     ${Object.entries(status.disk).map(mebibytes).join(', ')} (MiB)`);
  if (status.pending && status.pending.length > 0) lines.push(`restart  needed for: ${status.pending.join(', ')}`);
  for (const warning of status.warnings) lines.push(`warning  ${warning}`);
  if (status.image)
    lines.push(`image    ${[status.imageVersion, status.imageDigest, status.image].filter(Boolean).join(' ')}`);
  console.log([...lines, `console  ${status.console}`].join('\n'));
}

const mebibytes = ([name, value]: [string, number]) => `${name} ${Math.round(value / 2 ** 20)}`;

async function main(argv: readonly string[]): Promise<number> {
  const [verb, ...rest] = argv;
  const paths = machinePaths();
  const options = parse(rest);
  const image = () => imageFor(options.image);
  const command = [...process.execArgv, process.argv[1] as string];
  const shared = () => console.log('it is being started already: waiting for that');
  const control = createMachineControl({ paths, command, image, shared });
  const verbs: Record<string, () => Promise<unknown>> = {
    start: () => start(paths, control, options),
    wait: () => control.wait(),
    stop: async () => console.log(STOPPED[await control.stop(options.timeout && options.timeout * 1000)]),
    kill: () => control.kill(),
    restart: async () => {
      await control.stop();
      await start(paths, control, options);
    },
    set: () => set(control, options),
    settings: async () => console.log(JSON.stringify(await control.settings(), undefined, 2)),
    status: async () => {
      const status = await control.status();
      if (options.json) console.log(JSON.stringify(status, undefined, 2));
      else printStatus(status);
    },
    reset: async () => {
      await control.reset();
      console.log('the machine is reset: the next start makes a new one');
    },
    // the process that holds the machine
    hold: async () => process.exit(await new Holder(paths, await image(), false).run()),
    'hold-waiting': async () => process.exit(await new Holder(paths, await image(), true).run()),
  };
  const run = verb === undefined ? undefined : verbs[verb];
  if (!run) {
    console.error(USAGE);
    return 2;
  }
  await run();
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`berth machine: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof MachineError && error.step) console.error(`  step:       ${error.step}`);
  if (error instanceof MachineError && error.hint !== '') console.error(`  what to do: ${error.hint}`);
  process.exit(1);
}
