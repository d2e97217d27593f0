import { invalid } from '../../api/errors.ts';
import type { BuildExecProcess } from '../types.ts';
import { chooseCapabilities } from './capabilities.ts';
import { clampOomScore } from './build-spec.ts';
import { containerEnvironment } from './environment.ts';
import { rlimitsOf } from './rlimits.ts';
import { parseSecurityOptions } from './security-opt.ts';
import { lookUpUser } from './user.ts';

/** The process of `docker exec`: the container's environment, user, directory and privileges, but for what was asked for. */
export const buildExecProcess: BuildExecProcess = async (record, exec, rootfs, facts) => {
  const { config, hostConfig: host } = record;
  const args = exec.Cmd ?? [];
  if (args.length === 0) throw invalid('No exec command specified');
  for (const entry of exec.Env ?? [])
    if (entry === '' || entry.startsWith('=')) throw invalid(`invalid environment variable: ${entry}`);
  const cwd = exec.WorkingDir || config.WorkingDir || '/';
  if (!cwd.startsWith('/')) throw invalid(`the working directory '${cwd}' is invalid, it needs to be an absolute path`);
  const user = await lookUpUser(rootfs, exec.User || config.User || '', host.GroupAdd ?? []);
  const security = parseSecurityOptions(host.SecurityOpt);
  const capabilities = chooseCapabilities(
    { add: host.CapAdd ?? [], drop: host.CapDrop ?? [], privileged: (exec.Privileged || host.Privileged) ?? false },
    facts.capabilities,
  );
  const [height, width] = exec.ConsoleSize ?? [0, 0];
  const tty = exec.Tty ?? false;
  return {
    terminal: tty,
    ...(tty && height > 0 && width > 0 && { consoleSize: { height, width } }),
    user: { uid: user.uid, gid: user.gid, additionalGids: [...new Set([user.gid, ...user.groups])] },
    args,
    env: containerEnvironment({
      hostname: config.Hostname || record.id.slice(0, 12),
      tty,
      env: [...(config.Env ?? []), ...(exec.Env ?? [])],
      home: user.home,
    }),
    cwd,
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
};
