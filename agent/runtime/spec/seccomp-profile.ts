import { invalid } from '../../api/errors.ts';

export interface SeccompArgument {
  index: number;
  value: number;
  valueTwo?: number;
  op: string;
}
interface Condition {
  caps?: string[] | null;
  arches?: string[] | null;
  minKernel?: string | null;
}
export interface SeccompRule {
  names?: string[] | null;
  /** one syscall, older form */
  name?: string;
  action: string;
  errnoRet?: number | null;
  args?: (SeccompArgument | null)[] | null;
  includes?: Condition | null;
  excludes?: Condition | null;
}
/** Docker's form of a profile: rules that hold only with some capability, architecture or kernel (moby, profiles/seccomp). */
export interface SeccompProfile {
  defaultAction: string;
  defaultErrnoRet?: number | null;
  architectures?: string[] | null;
  archMap?: { architecture: string; subArchitectures?: string[] | null }[] | null;
  flags?: string[] | null;
  listenerPath?: string;
  listenerMetadata?: string;
  syscalls?: SeccompRule[] | null;
}

const ACTIONS: ReadonlySet<string> = new Set(
  'KILL KILL_PROCESS KILL_THREAD TRAP ERRNO TRACE ALLOW LOG NOTIFY'.split(' ').map((name) => `SCMP_ACT_${name}`),
);
const OPERATORS: ReadonlySet<string> = new Set(
  'NE LT LE EQ GE GT MASKED_EQ'.split(' ').map((name) => `SCMP_CMP_${name}`),
);

/** Reads a profile given as JSON text. Throws invalid-parameter with dockerd's words. */
export function checkSeccompProfile(text: string): SeccompProfile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(`Decoding seccomp profile failed: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('Decoding seccomp profile failed: not a JSON object');
  const profile = value as SeccompProfile;
  const fail = (why: string): never => {
    throw invalid(`Decoding seccomp profile failed: ${why}`);
  };
  if (profile.defaultAction !== undefined ? !ACTIONS.has(profile.defaultAction) : profile.syscalls?.length)
    fail(`unknown action ${profile.defaultAction ?? ''}`);
  if (profile.syscalls && !Array.isArray(profile.syscalls)) fail('syscalls is not a list');
  if (profile.architectures?.length && profile.archMap?.length)
    throw invalid(
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    );
  for (const rule of profile.syscalls ?? []) {
    if (rule.name && rule.names?.length)
      throw invalid("both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'");
    if (!ACTIONS.has(rule.action)) fail(`unknown action ${rule.action}`);
    for (const argument of rule.args ?? [])
      if (argument && !OPERATORS.has(argument.op)) fail(`unknown operator ${argument.op}`);
  }
  return profile;
}
