import { readFileSync } from 'node:fs';
import { findProgram, findRuntime, otherRuntimes, type RuntimeProgram } from './runtime/programs.ts';

/** The programs the engine runs on. */
export interface Programs {
  runtime: RuntimeProgram;
  /** those that a container may ask for, `runtime` first */
  runtimes: RuntimeProgram[];
  conmon: string;
  nsenter: string;
  unshare: string;
}

/** Something that is missing: what, why it is needed, what to do. */
export interface Missing {
  what: string;
  why: string;
  hint: string;
}

/** Looks for what the engine cannot do without. All that is missing is told at once. */
export async function checkRequirements(
  asked: string | undefined,
): Promise<{ programs?: Programs; missing: Missing[] }> {
  const missing: Missing[] = [];
  const need = (found: boolean, what: string, why: string, hint: string) => {
    if (!found) missing.push({ what, why, hint });
  };
  const [runtime, conmon, netavark, nsenter, unshare] = await Promise.all([
    findRuntime(asked),
    findProgram('conmon'),
    findProgram('netavark'),
    findProgram('nsenter'),
    findProgram('unshare'),
  ]);
  need(
    process.platform === 'linux',
    'Linux',
    'containers are made of namespaces and control groups',
    'use the machine: berth machine start',
  );
  need(
    process.getuid?.() === 0,
    'root',
    'the engine mounts file systems and makes network namespaces',
    'run it with sudo',
  );
  const runtimeName = asked ?? 'crun or runc';
  need(
    runtime !== undefined,
    runtimeName,
    'the OCI runtime makes the container processes',
    `apt-get install ${asked ?? 'crun'}`,
  );
  need(conmon !== undefined, 'conmon', 'it holds the output and the exit code of containers', 'apt-get install conmon');
  need(netavark !== undefined, 'netavark', 'it connects containers to networks', 'apt-get install netavark');
  need(
    nsenter !== undefined && unshare !== undefined,
    'nsenter and unshare',
    'they enter namespaces',
    'apt-get install util-linux',
  );
  need(
    hasFilesystem('overlay'),
    'overlayfs',
    'the roots of containers are overlay mounts',
    'modprobe overlay, or use a kernel with CONFIG_OVERLAY_FS',
  );
  if (missing.length > 0 || !runtime || !conmon || !nsenter || !unshare) return { missing };
  return {
    programs: { runtime, runtimes: [runtime, ...(await otherRuntimes(runtime))], conmon, nsenter, unshare },
    missing,
  };
}

/** In the kernel now, or a module that a mount will load. */
function hasFilesystem(name: string): boolean {
  try {
    if (
      readFileSync('/proc/filesystems', 'utf8')
        .split('\n')
        .some((line) => line.split('\t')[1] === name)
    )
      return true;
    const release = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
    return readFileSync(`/lib/modules/${release}/modules.dep`, 'utf8').includes(`/${name}.ko`);
  } catch {
    return false;
  }
}
