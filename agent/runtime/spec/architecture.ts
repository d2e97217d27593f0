import { arch } from 'node:process';

const NAMES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** Go's (and so Docker's) name for this machine's architecture. */
export const hostArchitecture = (): string => NAMES[arch] ?? arch;
