import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface DockerContext {
  name: string;
  /** as it is written there: unix://, ssh://, tcp://, npipe:// */
  host: string;
}

/**
 * The contexts that `docker context create` has made: `contexts/meta/<sha256 of the name>/meta.json` in docker's configuration folder
 * (https://docs.docker.com/engine/manage-resources/contexts/). What cannot be read is left out.
 */
export async function dockerContexts(env: NodeJS.ProcessEnv = process.env): Promise<DockerContext[]> {
  const folder = join(env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker'), 'contexts', 'meta');
  const entries = await readdir(folder).catch(() => []);
  const read = await Promise.all(entries.map((entry) => readContext(join(folder, entry, 'meta.json'))));
  return read.filter((context) => context !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function readContext(path: string): Promise<DockerContext | undefined> {
  try {
    const meta = JSON.parse(await readFile(path, 'utf8')) as {
      Name?: unknown;
      Endpoints?: { docker?: { Host?: unknown } };
    };
    const host = meta.Endpoints?.docker?.Host;
    return typeof meta.Name === 'string' && typeof host === 'string' ? { name: meta.Name, host } : undefined;
  } catch {
    return undefined;
  }
}
