import { statSync } from 'node:fs';
import { EngineError, invalid } from '../../api/errors.ts';
import type { MountRequest } from '../../api/container.ts';
import { cleanPath } from '../../runtime/spec/check-config.ts';
import { tmpfsRequestOptions } from '../../runtime/spec/tmpfs.ts';

const PROPAGATIONS: ReadonlySet<string> = new Set(['private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared']);
/** Options of `-v` in groups; at most one of each may be given. */
const MODE_GROUPS: readonly ReadonlySet<string>[] = [
  new Set(['rw', 'ro']),
  new Set(['z', 'Z']),
  PROPAGATIONS,
  new Set(['nocopy']),
  new Set(['consistent', 'cached', 'delegated']),
];

/** A mount as it was asked for, whichever way. */
export interface ParsedMount {
  type: 'bind' | 'volume' | 'tmpfs' | 'image';
  /** path on the host, name of a volume ('' for an anonymous one), or an image */
  source: string;
  target: string;
  readOnly: boolean;
  mode: string;
  /** '' where nobody said; of a bind only */
  propagation: string;
  request?: MountRequest;
}

export function isMountMode(mode: string): boolean {
  if (mode === '') return true;
  const seen = new Set<number>();
  for (const option of mode.split(',')) {
    const group = MODE_GROUPS.findIndex((options) => options.has(option));
    if (group < 0 || seen.has(group)) return false;
    seen.add(group);
  }
  return true;
}

const propagationIn = (mode: string) => mode.split(',').find((option) => PROPAGATIONS.has(option));
const isReadOnly = (mode: string) => mode.split(',').includes('ro');

/** "[SOURCE:]TARGET[:MODE]" of `-v`. Throws invalid-parameter with dockerd's message. */
export function parseBind(raw: string): ParsedMount {
  const spec = () => invalid(`invalid volume specification: '${raw}'`);
  const parts = raw.split(':');
  if (parts[0] === '' || parts.length > 3) throw spec();
  if (parts.length === 2 && isMountMode(parts[1] as string)) throw spec();
  const [source, target] = parts.length === 1 ? ['', parts[0] as string] : [parts[0] as string, parts[1] as string];
  const mode = parts[2] ?? '';
  if (!isMountMode(mode)) throw invalid(`invalid mode: ${mode}`);
  const type = source.startsWith('/') ? 'bind' : 'volume';
  const why = targetProblem(target) ?? modeProblem(type, mode);
  if (why) throw invalid(`invalid volume specification: '${raw}': invalid mount config for type "${type}": ${why}`);
  return {
    type,
    source: type === 'bind' ? cleanPath(source) : source,
    target: cleanPath(target),
    readOnly: isReadOnly(mode),
    mode,
    propagation: type === 'bind' ? (propagationIn(mode) ?? '') : '',
  };
}

/** Options of the other kind. */
function modeProblem(type: 'bind' | 'volume', mode: string): string | undefined {
  if (type === 'volume' && propagationIn(mode)) return 'field BindOptions must not be specified';
  if (type === 'bind' && mode.split(',').includes('nocopy')) return 'field VolumeOptions must not be specified';
  return undefined;
}

function targetProblem(target: string): string | undefined {
  if (target === '') return 'field Target must not be empty';
  if (cleanPath(target) === '/') return "invalid specification: destination can't be '/'";
  if (!target.startsWith('/')) return `invalid mount path: '${target}' mount path must be absolute`;
  return target.includes('\0') ? 'invalid mount path: it contains a NUL byte' : undefined;
}

/** `--mount`. Throws invalid-parameter with dockerd's message; a bind's source must be there, unless it is to be made. */
export function parseMountRequest(request: MountRequest): ParsedMount {
  const fail = (why: string): never => {
    throw invalid(`invalid mount config for type ${JSON.stringify(request.Type ?? '')}: ${why}`);
  };
  const { BindOptions: bind, VolumeOptions: volume, ImageOptions: image } = request;
  if (request.Type !== 'bind' && bind) fail('field BindOptions must not be specified');
  if (request.Type !== 'volume' && volume) fail('field VolumeOptions must not be specified');
  if (request.Type !== 'tmpfs' && request.TmpfsOptions) fail('field TmpfsOptions must not be specified');
  if (request.Type !== 'image' && image) fail('field ImageOptions must not be specified');
  const why = targetProblem(request.Target ?? '');
  if (why) fail(why);
  const source = request.Source ?? '';
  let propagation = '';
  if (request.Type === 'bind') propagation = checkBind(request, fail);
  else if (request.Type === 'volume') checkVolume(request, fail);
  else if (request.Type === 'tmpfs') checkTmpfs(request, fail);
  else if (request.Type === 'image') checkImage(request, fail);
  else fail('mount type unknown');
  return {
    type: request.Type as ParsedMount['type'],
    source: request.Type === 'bind' ? cleanPath(source) : source,
    target: cleanPath(request.Target),
    readOnly: request.Type === 'image' || (request.ReadOnly ?? false),
    mode: '',
    propagation,
    request,
  };
}

function checkBind({ Source: source = '', BindOptions: bind }: MountRequest, fail: (why: string) => never): string {
  if (source === '') fail('field Source must not be empty');
  if (bind?.Propagation && !PROPAGATIONS.has(bind.Propagation)) fail(`invalid propagation mode: ${bind.Propagation}`);
  if (!source.startsWith('/')) fail(`invalid mount path: '${source}' mount path must be absolute`);
  if (bind?.ReadOnlyNonRecursive && bind.ReadOnlyForceRecursive)
    fail('mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive');
  if (!bind?.CreateMountpoint && !statSync(source, { throwIfNoEntry: false }))
    fail(`bind source path does not exist: ${source}`);
  return bind?.Propagation ?? '';
}

function checkVolume(request: MountRequest, fail: (why: string) => never): void {
  const { Source: source = '', VolumeOptions: volume } = request;
  if (request.ReadOnly && source === '') fail('must not set ReadOnly mode when using anonymous volumes');
  const subpath = volume?.Subpath ?? '';
  if (subpath !== '' && source === '') fail('must not set Subpath when using anonymous volumes');
  checkSubpath(subpath, fail);
}

function checkImage({ Source: source = '', ImageOptions: image }: MountRequest, fail: (why: string) => never): void {
  if (source === '') fail('field Source must not be empty');
  checkSubpath(image?.Subpath ?? '', fail);
}

function checkSubpath(subpath: string, fail: (why: string) => never): void {
  if (subpath === '') return;
  const clean = cleanPath(subpath);
  if (subpath.startsWith('/') || clean === '..' || clean.startsWith('../'))
    fail('subpath must be a relative path within the volume');
}

function checkTmpfs(request: MountRequest, fail: (why: string) => never): void {
  if (request.Source) fail('field Source must not be specified');
  try {
    tmpfsRequestOptions(request);
  } catch (error) {
    if (error instanceof EngineError) fail(error.message);
    throw error;
  }
}

/** "CONTAINER[:ro|rw|z|Z]" of `--volumes-from`. */
export function parseVolumesFrom(spec: string): { container: string; readOnly: boolean } {
  if (spec === '') throw invalid('volumes-from specification cannot be an empty string');
  const at = spec.indexOf(':');
  const container = at < 0 ? spec : spec.slice(0, at);
  const mode = at < 0 ? '' : spec.slice(at + 1);
  if (!isMountMode(mode) || propagationIn(mode) !== undefined || mode.split(',').includes('nocopy'))
    throw invalid(`invalid mode: ${mode}`);
  return { container, readOnly: isReadOnly(mode) };
}
