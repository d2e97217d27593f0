import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContainerCreateRequest, MountPoint } from '../../api/container.ts';
import type { CgroupDriver } from '../../cgroups/types.ts';
import type { KernelFacts, NamespaceChoices } from '../types.ts';
import { buildSpec } from './build-spec.ts';
import { checkCreate } from './check-create.ts';
import { readKernelFacts } from './kernel-facts.ts';
import { recordOf } from './testing.ts';

const CGROUPS = '/sys/fs/cgroup';
const PARENT = `berth-spec-test-${process.pid}`;

/** Facts of this machine without an engine: version 1 where there are controllers beside each other. */
export async function machineFacts(): Promise<KernelFacts> {
  const names = await readdir(CGROUPS);
  const version = names.includes('memory') ? 1 : 2;
  const controllers = new Set(
    version === 1
      ? names.filter((name) => name !== 'systemd' && name !== 'unified')
      : ['cpu', 'cpuset', 'memory', 'pids', 'io'],
  );
  return readKernelFacts({ version, controllers } as unknown as CgroupDriver);
}

/** A root of busybox alone. */
export async function makeRoot(directory: string): Promise<string> {
  const root = join(directory, 'rootfs');
  for (const name of ['bin', 'etc', 'proc', 'dev', 'sys', 'tmp', 'root'])
    await mkdir(join(root, name), { recursive: true });
  await copyFile('/bin/busybox', join(root, 'bin/busybox'));
  for (const applet of 'sh id cut cat ls mount env pwd grep hostname test echo touch mknod ping chown sleep stat df wc ps head sort tr unshare'.split(
    ' ',
  ))
    await symlink('busybox', join(root, 'bin', applet));
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n');
  await writeFile(join(root, 'etc/group'), 'root:x:0:\nbob:x:1000:\nwheel:x:10:bob\n');
  return root;
}

export interface Ran {
  code: number;
  out: string;
  err: string;
}
export interface RunOptions {
  mounts?: MountPoint[];
  namespaces?: Partial<NamespaceChoices>;
  image?: object;
  prepare?: (root: string) => Promise<void>;
}

/** Runs a script in a container made from a create request, with the real runtime, in a mount namespace of its own. */
export async function runWith(
  runtime: string,
  script: string,
  request: ContainerCreateRequest = {},
  options: RunOptions = {},
): Promise<Ran> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-spec-'));
  try {
    const rootfs = await makeRoot(directory);
    await options.prepare?.(rootfs);
    const files = {
      hosts: join(directory, 'hosts'),
      hostname: join(directory, 'hostname'),
      resolvConf: join(directory, 'resolv.conf'),
    };
    for (const file of Object.values(files)) await writeFile(file, 'from the engine\n');
    const facts = await machineFacts();
    const checked = checkCreate(
      { Image: 'busybox', Cmd: ['sh', '-c', script], ...request },
      options.image ?? {},
      facts,
    );
    const id = `spec${process.hrtime.bigint()}`;
    const record = recordOf(checked, id, { mounts: options.mounts ?? [], cgroupPath: `/${PARENT}/${id}` });
    const made = { kind: 'new' } as const;
    const host = { kind: 'host' } as const;
    const namespaces: NamespaceChoices = {
      pid: made,
      net: made,
      ipc: made,
      uts: made,
      cgroup: made,
      user: host,
      ...options.namespaces,
    };
    const spec = await buildSpec({ record, rootfs, namespaces, files, facts });
    await writeFile(join(directory, 'config.json'), JSON.stringify(spec));
    return await execute(runtime, directory, id);
  } finally {
    await rm(directory, { recursive: true, force: true });
    await dropGroups();
  }
}

function execute(runtime: string, bundle: string, id: string): Promise<Ran> {
  // crun refuses a v2 mount with controllers beside v1 ones, so it is not shown to it.
  const script = `umount ${CGROUPS}/unified 2>/dev/null; exec ${runtime} --root ${bundle}/state run -b ${bundle} ${id}`;
  return new Promise((done) => {
    const child = execFile(
      'unshare',
      ['-m', '--propagation', 'private', 'sh', '-c', script],
      { timeout: 20_000 },
      (error, out, err) => {
        done({ code: error ? Number(error.code ?? -1) : 0, out, err });
      },
    );
    child.stdin?.end();
  });
}

/** Ends what is left of a container that hung, and takes its groups away. */
async function dropGroups(): Promise<void> {
  for (const entry of await readdir(join(CGROUPS, 'pids', PARENT)).catch(() => [])) {
    const pids = await readFile(join(CGROUPS, 'pids', PARENT, entry, 'cgroup.procs'), 'utf8').catch(() => '');
    for (const pid of pids.split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL');
    if (pids !== '') await new Promise((done) => setTimeout(done, 200));
  }
  for (const hierarchy of await readdir(CGROUPS)) {
    const parent = join(CGROUPS, hierarchy, PARENT);
    for (const entry of await readdir(parent, { withFileTypes: true }).catch(() => []))
      if (entry.isDirectory()) await rmdir(join(parent, entry.name)).catch(() => undefined);
    await rmdir(parent).catch(() => undefined);
  }
}
