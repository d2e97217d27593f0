import type { ContainerConfig } from '../api/container.ts';
import type { ImageInspect, ImageSummary } from '../api/image.ts';
import { atLeast } from '../api/version.ts';

/** What the answers of each API version have (moby `api/server/router/image`, docs/api/version-history.md). */

/** Keys of a configuration that are an image's own, not a container's. */
const IMAGE_KEYS = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
  'ArgsEscaped',
  'Healthcheck',
  'OnBuild',
  'Shell',
] as const;
/** Always there, set or not. */
const CURRENT = {
  Cmd: null,
  Entrypoint: null,
  Env: null,
  Labels: null,
  OnBuild: null,
  User: '',
  Volumes: null,
  WorkingDir: '',
};
const BEFORE_1_50 = {
  ...CURRENT,
  AttachStderr: false,
  AttachStdin: false,
  AttachStdout: false,
  Domainname: '',
  Hostname: '',
  Image: '',
  OpenStdin: false,
  StdinOnce: false,
  Tty: false,
};
const NEVER = '0001-01-01T00:00:00Z';

function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

function configFor(config: ContainerConfig, version: string): object {
  const own = IMAGE_KEYS.filter((key) => isSet(config[key])).map((key) => [key, config[key]]);
  return { ...(atLeast(version, '1.50') ? CURRENT : BEFORE_1_50), ...Object.fromEntries(own) };
}

/** GET /images/NAME/json */
export function inspectFor(image: ImageInspect, version: string): object {
  const { Container, ContainerConfig, Config, Created, ...rest } = image;
  const before = (limit: string) => !atLeast(version, limit);
  return {
    ...rest,
    ...(Created === '' && !before('1.44') ? {} : { Created: Created || NEVER }),
    ...(before('1.45')
      ? { ...(Container === '' ? {} : { Container }), ContainerConfig: { ...BEFORE_1_50, ...ContainerConfig } }
      : {}),
    Config: configFor(Config, version),
    ...(before('1.44') ? { VirtualSize: rest.Size } : {}),
  };
}

/** An entry of GET /images/json. */
export function summaryFor(summary: ImageSummary, version: string): object {
  const before = (limit: string) => !atLeast(version, limit);
  const nameless = before('1.43') && summary.RepoTags.length === 0 && summary.RepoDigests.length === 0;
  return {
    ...summary,
    ...(nameless ? { RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] } : {}),
    ...(before('1.44') ? { VirtualSize: summary.Size } : {}),
    ...(before('1.51') ? { Containers: -1 } : {}),
  };
}
