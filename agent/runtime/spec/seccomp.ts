import type { KernelFacts } from '../types.ts';
import { hostArchitecture } from './architecture.ts';
import { atLeastKernel } from './kernel-version.ts';
import { DEFAULT_SECCOMP } from './default-seccomp.ts';
import { checkSeccompProfile, type SeccompProfile, type SeccompRule } from './seccomp-profile.ts';

const ARCHITECTURES: Readonly<Record<string, string>> = {
  amd64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
  arm: 'SCMP_ARCH_ARM',
  '386': 'SCMP_ARCH_X86',
  ppc64le: 'SCMP_ARCH_PPC64LE',
  s390x: 'SCMP_ARCH_S390X',
  riscv64: 'SCMP_ARCH_RISCV64',
};

export interface SeccompChoice {
  /** '' or 'builtin': the default; 'unconfined'; or JSON text */
  profile: string;
  privileged: boolean;
  capabilities: readonly string[];
}

/** `linux.seccomp`, or undefined for none. */
export function seccompOf(
  { profile, privileged, capabilities }: SeccompChoice,
  facts: KernelFacts,
): object | undefined {
  if (profile === 'unconfined' || !facts.seccomp) return undefined;
  if (privileged && profile === '') return undefined;
  const chosen = profile === '' || profile === 'builtin' ? DEFAULT_SECCOMP : checkSeccompProfile(profile);
  // Neither a rule nor what else to do: runc takes that for no filter.
  if (!chosen.defaultAction && !chosen.syscalls?.length) return undefined;
  return translate(chosen, new Set(capabilities), facts.kernelVersion);
}

/** Resolves the conditions of Docker's form (capabilities, architecture, kernel) into the OCI form. */
export function translate(
  profile: SeccompProfile,
  capabilities: ReadonlySet<string>,
  kernel: string,
  architecture = hostArchitecture(),
): object {
  const native = ARCHITECTURES[architecture];
  const mapped = profile.archMap?.find((item) => item.architecture === native);
  const architectures = mapped
    ? [mapped.architecture, ...(mapped.subArchitectures ?? [])]
    : (profile.architectures ?? []);
  const holds = (rule: SeccompRule) => {
    const { includes, excludes } = rule;
    if (excludes?.arches?.includes(architecture)) return false;
    if (excludes?.caps?.some((name) => capabilities.has(name))) return false;
    if (excludes?.minKernel && atLeastKernel(kernel, excludes.minKernel)) return false;
    if (includes?.arches?.length && !includes.arches.includes(architecture)) return false;
    if (includes?.caps?.some((name) => !capabilities.has(name))) return false;
    return !includes?.minKernel || atLeastKernel(kernel, includes.minKernel);
  };
  const syscalls = (profile.syscalls ?? []).filter(holds).map((rule) => ({
    names: rule.name ? [rule.name] : (rule.names ?? []),
    action: rule.action,
    ...(typeof rule.errnoRet === 'number' && { errnoRet: rule.errnoRet }),
    ...(rule.args?.some(Boolean) && { args: rule.args.filter((argument) => argument !== null).map(numericArgument) }),
  }));
  return {
    defaultAction: profile.defaultAction,
    ...(typeof profile.defaultErrnoRet === 'number' && { defaultErrnoRet: profile.defaultErrnoRet }),
    ...(architectures.length > 0 && { architectures }),
    ...(profile.flags?.length && { flags: profile.flags }),
    ...(profile.listenerPath && {
      listenerPath: profile.listenerPath,
      listenerMetadata: profile.listenerMetadata ?? '',
    }),
    syscalls: syscalls.filter((rule) => rule.names.length > 0),
  };
}

const numericArgument = (argument: NonNullable<NonNullable<SeccompRule['args']>[number]>) => ({
  index: argument.index,
  value: argument.value,
  ...(argument.valueTwo ? { valueTwo: argument.valueTwo } : {}),
  op: argument.op,
});
