import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../system/exec.ts';

/** An OCI runtime that was found on this machine. */
export interface RuntimeProgram {
  name: string;
  version: string;
  path: string;
}

/** Daemons are often started with a short PATH; sbin is where Debian keeps runc. */
const EXTRA = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/usr/libexec/podman',
  '/usr/lib/podman',
];

/** The first executable of that name on PATH or in the usual places. */
export async function findProgram(name: string, path = process.env['PATH'] ?? ''): Promise<string | undefined> {
  if (name.includes('/')) return (await executable(name)) ? name : undefined;
  for (const directory of new Set([...path.split(':').filter(Boolean), ...EXTRA])) {
    const file = join(directory, name);
    if (await executable(file)) return file;
  }
  return undefined;
}

async function executable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The runtimes that are installed beside `chosen`, whose version nobody asks for. */
export async function otherRuntimes(chosen: RuntimeProgram | undefined): Promise<RuntimeProgram[]> {
  const found = await Promise.all(
    ['crun', 'runc']
      .filter((name) => name !== chosen?.name)
      .map(async (name) => ({ name, path: await findProgram(name) })),
  );
  return found.flatMap(({ name, path }) => (path === undefined ? [] : [{ name, path, version: '' }]));
}

/** The runtime asked for, else crun, else runc. Undefined when there is none. */
export async function findRuntime(asked: string | undefined): Promise<RuntimeProgram | undefined> {
  for (const name of asked === undefined ? ['crun', 'runc'] : [asked]) {
    const path = await findProgram(name);
    if (path === undefined) continue;
    const { stdout } = await exec([path, '--version'], { timeout: 10_000 });
    return { name, path, version: /version\s+(\S+)/.exec(stdout)?.[1] ?? 'unknown' };
  }
  return undefined;
}
