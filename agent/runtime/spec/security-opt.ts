import { invalid } from '../../api/errors.ts';

/** What `--security-opt` asks for. */
export interface SecurityOptions {
  noNewPrivileges: boolean;
  /** '' is the default profile, else 'unconfined', 'builtin', or a profile as JSON text */
  seccomp: string;
  /** '' is none given */
  apparmor: string;
  writableCgroups: boolean | undefined;
  unmaskedPaths: boolean;
}

function readBool(value: string, option: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false;
  throw invalid(`invalid --security-opt 2: ${JSON.stringify(option)}`);
}

/** Throws invalid-parameter `invalid --security-opt 1|2: "X"`, as dockerd does. */
export function parseSecurityOptions(options: readonly string[] | null | undefined): SecurityOptions {
  const out: SecurityOptions = {
    noNewPrivileges: false,
    seccomp: '',
    apparmor: '',
    writableCgroups: undefined,
    unmaskedPaths: false,
  };
  for (const option of options ?? []) {
    if (option === 'no-new-privileges') {
      out.noNewPrivileges = true;
      continue;
    }
    if (option === 'writable-cgroups') {
      out.writableCgroups = true;
      continue;
    }
    if (option === 'disable') continue;
    const separator = option.includes('=') ? '=' : ':';
    const at = option.indexOf(separator);
    if (at < 0) throw invalid(`invalid --security-opt 1: ${JSON.stringify(option)}`);
    const value = option.slice(at + 1);
    switch (option.slice(0, at)) {
      case 'label':
        // SELinux is not used; Docker without SELinux ignores labels too.
        break;
      case 'apparmor':
        out.apparmor = value;
        break;
      case 'seccomp':
        out.seccomp = value;
        break;
      case 'no-new-privileges':
        out.noNewPrivileges = readBool(value, option);
        break;
      case 'writable-cgroups':
        out.writableCgroups = readBool(value, option);
        break;
      case 'systempaths':
        // The docker command turns this into empty MaskedPaths and ReadonlyPaths; other clients may send it on.
        if (value !== 'unconfined') throw invalid(`invalid --security-opt 2: ${JSON.stringify(option)}`);
        out.unmaskedPaths = true;
        break;
      default:
        throw invalid(`invalid --security-opt 2: ${JSON.stringify(option)}`);
    }
  }
  return out;
}
