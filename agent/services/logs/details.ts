import { hostname } from 'node:os';
import type { ContainerRecord } from '../container-record.ts';

type Described = Pick<ContainerRecord, 'config' | 'hostConfig'> & Partial<ContainerRecord>;

/**
 * What `docker logs --details` puts before each line: the labels and variables that the log options name, and the tag, as
 * "key=value,key=value", sorted (moby daemon/logger `ExtraAttributes`, `ParseLogTag`).
 */
export function detailsOf(record: Described): string {
  const options = record.hostConfig.LogConfig?.Config ?? {};
  const attributes = new Map<string, string>();
  const take = (from: Map<string, string>, names: string | undefined, pattern: string | undefined) => {
    const wanted = new Set((names ?? '').split(',').filter(Boolean));
    const matches = pattern ? new RegExp(pattern) : undefined;
    for (const [name, value] of from) if (wanted.has(name) || matches?.test(name)) attributes.set(name, value);
  };
  take(new Map(Object.entries(record.config.Labels ?? {})), options['labels'], options['labels-regex']);
  take(variables(record.config.Env), options['env'], options['env-regex']);
  if (options['tag']) attributes.set('tag', tagOf(options['tag'], record));
  return [...attributes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${escaped(key)}=${escaped(value)}`)
    .join(',');
}

function variables(env: readonly string[] | null | undefined): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of env ?? []) {
    const at = entry.indexOf('=');
    if (at > 0) found.set(entry.slice(0, at), entry.slice(at + 1));
  }
  return found;
}

/** The fields of a tag's template. Others are refused when the container is made. */
function tagOf(template: string, record: Described): string {
  const short = (id: string | undefined) => (id ?? '').replace(/^sha256:/, '').slice(0, 12);
  const values: Record<string, string> = {
    ID: short(record.id),
    FullID: record.id ?? '',
    Name: record.name ?? '',
    ImageID: short(record.imageId),
    ImageFullID: record.imageId ?? '',
    ImageName: record.imageName ?? '',
    DaemonName: 'docker',
    Hostname: hostname(),
    Command: [record.path, ...(record.args ?? [])].join(' '),
  };
  return template.replace(/\{\{\s*\.(\w+)\s*\}\}/g, (_all, name: string) => values[name] ?? '');
}

/** As Go's url.QueryEscape. */
const escaped = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
