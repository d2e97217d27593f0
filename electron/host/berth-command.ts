import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A program with the arguments before one's own, and what its environment must have. */
export interface Command {
  program: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
}

/** Where this process runs; what decides how others of Berth's are started. */
export interface Setting {
  /** the folder of the file that runs */
  here: string;
  platform: string;
  execPath: string;
  /** Electron's version, where this is Electron */
  electron: string | undefined;
}

const thisSetting = (): Setting => ({
  here: dirname(fileURLToPath(import.meta.url)),
  platform: process.platform,
  execPath: process.execPath,
  electron: process.versions['electron'],
});

/** The folder that Berth is in, from the built file (dist/electron) or the source (electron/host). */
export function berthRoot(here = thisSetting().here): string {
  let directory = here;
  while (!existsSync(join(directory, 'bin', 'berth')) && dirname(directory) !== directory)
    directory = dirname(directory);
  return directory;
}

/** A program can be started only from beside the application's archive; Electron alone sees into that. */
const unpacked = (path: string): string => path.replace(/\bapp\.asar(?=[\\/]|$)/, 'app.asar.unpacked');

export const berthCommand = (here = thisSetting().here): string => join(unpacked(berthRoot(here)), 'bin', 'berth');

/**
 * `berth machine`: the command of a checkout; in the packaged application, and where no shell reads that command, the machine's own built
 * file, run by the program that runs this one: Electron as Node, which needs no Node of the user's.
 */
export function machineCommand({ here, platform, execPath, electron }: Setting = thisSetting()): Command {
  const packaged = /[\\/]app\.asar[\\/]/.test(here);
  if (!packaged && platform !== 'win32') return { program: berthCommand(here), args: ['machine'], env: {} };
  const root = packaged ? here.replace(/([\\/])app\.asar[\\/].*/, '$1app.asar.unpacked') : berthRoot(here);
  const file = [root, 'dist', 'electron', 'machine', 'main.mjs'].join(platform === 'win32' ? '\\' : '/');
  return {
    program: execPath,
    args: ['--disable-warning=ExperimentalWarning', file],
    env: electron === undefined ? {} : { ELECTRON_RUN_AS_NODE: '1' },
  };
}
