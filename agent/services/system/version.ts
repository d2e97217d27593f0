import { arch } from 'node:os';
import { API_VERSION, BERTH_VERSION, MIN_API_VERSION } from '../../api/version.ts';
import type { SystemParts } from './create.ts';

/** Go's name of the architecture, which Docker's answers use. */
export const goArchitecture = (): string =>
  ({ x64: 'amd64', ia32: '386', ppc64: 'ppc64le' })[arch() as string] ?? arch();
/** uname's name of it. */
export const unameArchitecture = (): string =>
  ({ x64: 'x86_64', arm64: 'aarch64', ia32: 'i686', ppc64: 'ppc64le' })[arch() as string] ?? arch();

/** GET /version */
export function buildVersion({ facts, runtime }: Pick<SystemParts, 'facts' | 'runtime'>): Record<string, unknown> {
  const os = 'linux';
  return {
    Platform: { Name: 'Berth Engine' },
    Components: [
      {
        Name: 'Engine',
        Version: BERTH_VERSION,
        Details: {
          ApiVersion: API_VERSION,
          Arch: goArchitecture(),
          BuildTime: '',
          Experimental: 'false',
          GitCommit: '',
          GoVersion: `node ${process.versions.node}`,
          KernelVersion: facts.kernelVersion,
          MinAPIVersion: MIN_API_VERSION,
          Os: os,
        },
      },
      { Name: runtime.name, Version: runtime.version, Details: { GitCommit: '', Path: runtime.path } },
    ],
    Version: BERTH_VERSION,
    ApiVersion: API_VERSION,
    MinAPIVersion: MIN_API_VERSION,
    GitCommit: '',
    GoVersion: `node ${process.versions.node}`,
    Os: os,
    Arch: goArchitecture(),
    KernelVersion: facts.kernelVersion,
    BuildTime: '',
  };
}
