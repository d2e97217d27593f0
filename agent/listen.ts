import { chmod, chown, readFile } from 'node:fs/promises';
import type { Server } from 'node:http';

/** Serves a socket that root and the engine's group may use. */
export async function listen(server: Server, path: string): Promise<void> {
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((done, fail) => {
      server.once('error', fail);
      server.listen(path, done);
    });
  } finally {
    process.umask(mask);
  }
  const group = await engineGroup();
  if (group !== undefined) await chown(path, 0, group);
  await chmod(path, 0o660);
}

/** The group that may use the engine: berth, else docker. */
async function engineGroup(): Promise<number | undefined> {
  const lines = (await readFile('/etc/group', 'utf8').catch(() => '')).split('\n').map((line) => line.split(':'));
  for (const name of ['berth', 'docker']) {
    const found = lines.find((fields) => fields[0] === name);
    if (found?.[2]) return Number(found[2]);
  }
  return undefined;
}
