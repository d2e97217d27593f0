import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import type { Exec } from '../system/exec.ts';

/**
 * Lets the container's port of the bridge send a packet back where it came from: a container that calls its own published port is led
 * to itself. Newer versions of netavark do this themselves.
 */
export async function enableHairpin(exec: Exec, bridge: string, netns: string, interfaceName: string): Promise<void> {
  const { stdout } = await exec(['nsenter', `--net=${netns}`, 'ip', '-j', 'link', 'show', 'dev', interfaceName]);
  const [link] = JSON.parse(stdout) as { link_index?: number }[];
  const directory = `/sys/class/net/${bridge}/brif`;
  for (const name of existsSync(directory) ? await readdir(directory) : []) {
    const index = await readFile(`/sys/class/net/${name}/ifindex`, 'utf8').catch(() => '');
    if (Number(index) === link?.link_index) await writeFile(`${directory}/${name}/hairpin_mode`, '1');
  }
}
