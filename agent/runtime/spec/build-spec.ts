import type { NamespaceChoice, BuildSpec, NamespaceChoices, SpecInput } from '../types.ts';
import type { IdRange } from '../../namespaces/id-map.ts';
import type { OciIdMapping, OciNamespace, OciProcess } from '../oci.ts';
import { chooseCapabilities } from './capabilities.ts';
import { containerEnvironment } from './environment.ts';
import { findInit, INIT_IN_CONTAINER } from './init.ts';
import { hasOwnPids } from './modes.ts';
import { rlimitsOf } from './rlimits.ts';
import { seccompOf } from './seccomp.ts';
import { parseSecurityOptions } from './security-opt.ts';
import { devicesOf } from './spec-devices.ts';
import { mountsOf } from './spec-mounts.ts';
import { resourcesOf } from './spec-resources.ts';
import { sysctlsOf } from './sysctls.ts';
import { lookUpUser } from './user.ts';
import { prepareWorkingDirectory } from './working-directory.ts';

const OCI_VERSION = '1.0.2';

/**
 * The OCI runtime configuration of a container, as dockerd makes it. Looks into the mounted root (passwd, group) and makes the
 * working directory there. Throws invalid-parameter for what only shows now: an unknown user, a device that is not there.
 */
export const buildSpec: BuildSpec = async (input) => {
  const { record, rootfs, namespaces, facts } = input;
  const { config, hostConfig: host } = record;
  const security = parseSecurityOptions(host.SecurityOpt);
  const initProgram = host.Init && hasOwnPids(host.PidMode) ? findInit() : undefined;
  const { devices, rules } = await devicesOf(host);
  const process = await processOf(input, initProgram !== undefined);
  const { mounts, propagation } = await mountsOf(input, initProgram);
  const seccomp = seccompOf(
    {
      profile: security.seccomp,
      privileged: host.Privileged ?? false,
      capabilities: process.capabilities?.bounding ?? [],
    },
    facts,
  );
  const mapping = ({ host, size }: IdRange): OciIdMapping[] => [{ containerID: 0, hostID: host, size }];
  const sysctl = sysctlsOf(host, namespaces);
  return {
    ociVersion: OCI_VERSION,
    process,
    root: { path: rootfs, readonly: host.ReadonlyRootfs ?? false },
    ...(namespaces.uts.kind === 'new' && { hostname: config.Hostname || record.id.slice(0, 12) }),
    mounts,
    ...(host.Annotations && { annotations: host.Annotations }),
    linux: {
      namespaces: namespacesOf(namespaces),
      ...(record.idMap && { uidMappings: mapping(record.idMap.uid), gidMappings: mapping(record.idMap.gid) }),
      devices,
      cgroupsPath: record.cgroupPath,
      resources: await resourcesOf(host, rules, facts),
      sysctl:
        config.Domainname && namespaces.uts.kind === 'new'
          ? { 'kernel.domainname': config.Domainname, ...sysctl }
          : sysctl,
      ...(seccomp && { seccomp }),
      ...(!host.Privileged && { maskedPaths: host.MaskedPaths ?? [], readonlyPaths: host.ReadonlyPaths ?? [] }),
      ...(propagation && { rootfsPropagation: propagation }),
    },
  };
};

async function processOf({ record, rootfs, facts }: SpecInput, withInit: boolean): Promise<OciProcess> {
  const { config, hostConfig: host } = record;
  const user = await lookUpUser(rootfs, config.User ?? '', host.GroupAdd ?? []);
  const security = parseSecurityOptions(host.SecurityOpt);
  const choice = { add: host.CapAdd ?? [], drop: host.CapDrop ?? [], privileged: host.Privileged ?? false };
  const capabilities = chooseCapabilities(choice, facts.capabilities);
  const [height, width] = host.ConsoleSize ?? [0, 0];
  const hostname = config.Hostname || record.id.slice(0, 12);
  return {
    terminal: config.Tty ?? false,
    ...(config.Tty && height > 0 && width > 0 && { consoleSize: { height, width } }),
    user: { uid: user.uid, gid: user.gid, additionalGids: [...new Set([user.gid, ...user.groups])] },
    args: [...(withInit ? [INIT_IN_CONTAINER, '--'] : []), record.path, ...record.args],
    env: containerEnvironment({ hostname, tty: config.Tty ?? false, env: config.Env ?? [], home: user.home }),
    cwd: await prepareWorkingDirectory(
      rootfs,
      config.WorkingDir,
      record.idMap && { uid: record.idMap.uid.host, gid: record.idMap.gid.host },
    ),
    // No inheritable or ambient ones: a process of another user than root has none of these after execve, as in Docker.
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    rlimits: rlimitsOf(host.Ulimits, facts),
    noNewPrivileges: security.noNewPrivileges,
    oomScoreAdj: clampOomScore(
      host.OomScoreAdj ?? 0,
      facts.capabilities.has('CAP_SYS_RESOURCE'),
      facts.oomScoreAdj ?? 0,
    ),
    ...(facts.apparmor && security.apparmor && { apparmorProfile: security.apparmor }),
  };
}

/** Only CAP_SYS_RESOURCE may go below what the engine itself has (proc(5), oom_score_adj). */
export function clampOomScore(asked: number, free: boolean, own: number): number {
  return free ? asked : Math.max(asked, own);
}

const TYPES: readonly (readonly [keyof NamespaceChoices, OciNamespace['type']])[] = [
  ['pid', 'pid'],
  ['net', 'network'],
  ['ipc', 'ipc'],
  ['uts', 'uts'],
  ['user', 'user'],
  ['cgroup', 'cgroup'],
];

function namespacesOf(choices: NamespaceChoices): OciNamespace[] {
  const out: OciNamespace[] = [{ type: 'mount' }];
  for (const [name, type] of TYPES) {
    const choice: NamespaceChoice = choices[name];
    if (choice.kind === 'new') out.push({ type });
    else if (choice.kind === 'join') out.push({ type, path: choice.path });
  }
  return out;
}
