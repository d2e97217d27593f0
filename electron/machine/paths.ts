import { createHash } from 'node:crypto';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where one machine keeps its things. `home` outlives stops; `run` holds sockets, whose names must stay short. */
export interface MachinePaths {
  home: string;
  run: string;
  data: string;
  key: string;
  hostKey: string;
  settings: string;
  status: string;
  /** of the process that holds the machine: answers while it lives */
  control: string;
  /** locked by that process, for as long as it lives */
  lock: string;
  /** which image files were checked already */
  stamps: string;
  /** the last image that got ready, kept for when the next one does not */
  images: string;
  /** which images got ready, and which did not */
  history: string;
  console: string;
  log: string;
  socket: string;
  /** the socket of QEMU's monitor; on Windows, where there is none, a file with QEMU's pid */
  monitor: string;
  /** over it, a prepared guest is told what makes this start this one */
  begin: string;
  /** states of prepared guests, from which starts go on */
  starts: string;
  /** what serves folders says here */
  folderLog: string;
}

/** `BERTH_MACHINE_HOME` moves everything, for a second machine or a test. */
export function machinePaths(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): MachinePaths {
  const home = env['BERTH_MACHINE_HOME'] || join(dataDirectory(env, platform), 'machine');
  const run = env['BERTH_MACHINE_HOME']
    ? home
    : join(env['XDG_RUNTIME_DIR'] || join(tmpdir(), `berth-${process.getuid?.() ?? 'user'}`), 'berth-machine');
  const windows = platform === 'win32';
  // names of pipes are the whole system's: each user, and each machine of one, has its own
  const pipe = (name: string) =>
    `\\\\.\\pipe\\berth-${name}-${createHash('sha256').update(home).digest('hex').slice(0, 12)}`;
  return {
    home,
    run,
    data: join(home, 'data.raw'),
    key: join(home, 'id_ed25519'),
    hostKey: join(home, 'host-key'),
    settings: join(home, 'settings.json'),
    status: join(home, 'status.json'),
    control: windows ? pipe('machine') : join(run, 'control.sock'),
    lock: join(home, 'holder.lock'),
    stamps: join(home, 'checked.json'),
    images: join(home, 'images'),
    history: join(home, 'images.json'),
    console: join(home, 'console.log'),
    log: join(home, 'machine.log'),
    socket: windows ? pipe('engine') : join(run, 'engine.sock'),
    folderLog: join(home, 'folders.log'),
    begin: join(run, 'begin.sock'),
    starts: join(home, 'starts'),
    monitor: join(run, windows ? 'machine.pid' : 'monitor.sock'),
  };
}

function dataDirectory(env: NodeJS.ProcessEnv, platform: string): string {
  if (platform === 'darwin') return join(homedir(), 'Library/Application Support/Berth');
  if (platform === 'win32') return join(env['LOCALAPPDATA'] || join(homedir(), 'AppData/Local'), 'Berth');
  return join(env['XDG_DATA_HOME'] || join(homedir(), '.local/share'), 'berth');
}
