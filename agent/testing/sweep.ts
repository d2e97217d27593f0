import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { exec } from '../system/exec.ts';
import { MNT, syscalls } from '../system/syscalls.ts';

/**
 * Takes off the machine what an engine that was stopped still holds: mounts under its directories (its own mount namespace ends with its
 * last process) and its bridge. Usage: sweep.ts ROOT RUN_DIR. Touches nothing outside these directories and that bridge.
 */
const [root = '', runDir = ''] = process.argv.slice(2);
if (!root.startsWith('/') || !runDir.startsWith('/')) throw new Error('usage: sweep.ts ROOT RUN_DIR');

const bridges = new Set<string>();
const networks = `${root}/networks`;
if (existsSync(networks))
  for (const name of readdirSync(networks, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.json')) continue;
    const text = readFileSync(`${networks}/${name}`, 'utf8');
    for (const match of text.matchAll(/"(?:bridge|interface|bridgeName|network_interface)":"([\w.-]{1,15})"/g))
      bridges.add(match[1] as string);
  }
for (const bridge of bridges) if (bridge !== 'bridge') await exec(['ip', 'link', 'del', bridge], { okCodes: [0, 1] });

const mounted = readFileSync('/proc/self/mountinfo', 'utf8')
  .split('\n')
  .map((line) => line.split(' ')[4] ?? '')
  .filter((path) => path.startsWith(`${root}/`) || path.startsWith(`${runDir}/`) || path === runDir)
  .sort((a, b) => b.length - a.length);
for (const path of mounted) syscalls().umount(path, MNT.DETACH);
