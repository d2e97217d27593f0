import { invalid, notFound } from '../../api/errors.ts';
import { matchLabels, type Filters } from '../../http/query.ts';
import { ZERO_TIME } from '../../system/clock.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainersContext } from './context.ts';

/** Names GET /containers/json takes (moby `acceptedPsFilterTags`). */
export const LIST_FILTERS = [
  'ancestor',
  'before',
  'exited',
  'expose',
  'health',
  'id',
  'isolation',
  'is-task',
  'label',
  'name',
  'network',
  'publish',
  'since',
  'status',
  'volume',
] as const;

const STATUSES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];
const HEALTHS = ['none', 'starting', 'healthy', 'unhealthy'];

export type Matcher = (record: ContainerRecord) => boolean;

/** Reads the filters once; what comes back is asked for every container. */
export function listMatcher(ctx: ContainersContext, filters: Filters): Matcher {
  const tests: Matcher[] = [];
  const any = (name: string, prepare: (value: string) => Matcher) => {
    const values = filters.get(name);
    if (values === undefined || values.size === 0) return;
    const matchers = [...values].map(prepare);
    tests.push((record) => matchers.some((matches) => matches(record)));
  };
  any('status', (value) => {
    if (!STATUSES.includes(value))
      throw invalid(
        `invalid filter 'status=${value}': invalid value for state (${value}): must be one of ${STATUSES.join(', ')}`,
      );
    return (record) => record.state.Status === value;
  });
  any('health', (value) => {
    if (!HEALTHS.includes(value))
      throw invalid(
        `invalid filter 'health=${value}': invalid value for health (${value}): must be one of ${HEALTHS.join(', ')}`,
      );
    return (record) => (record.state.Health?.Status ?? 'none') === value;
  });
  any('exited', (value) => {
    if (!/^-?\d+$/.test(value))
      throw invalid(`invalid filter 'exited=${value}': strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
    // One that never began has no exit code.
    return ({ state }) => !state.Running && state.StartedAt !== ZERO_TIME && state.ExitCode === Number(value);
  });
  any('is-task', (value) => {
    if (!['true', '1', 'false', '0'].includes(value)) throw invalid(`invalid filter 'is-task=${value}'`);
    return () => value === 'false' || value === '0';
  });
  any('id', (value) => textMatcher(value, (record) => record.id));
  any('name', (value) => nameMatcher(value));
  any('ancestor', (value) => ancestorMatcher(ctx, value));
  any('network', (value) => networkMatcher(value));
  any(
    'volume',
    (value) =>
      ({ mounts }) =>
        mounts.some((mount) => mount.Name === value || mount.Source === value || mount.Destination === value),
  );
  any('publish', (value) =>
    portMatcher(value, (record) =>
      Object.entries(record.attached.ports).flatMap(([port, bound]) =>
        (bound ?? []).map(({ HostPort }) => `${HostPort}/${port.split('/')[1] ?? 'tcp'}`),
      ),
    ),
  );
  any('expose', (value) => portMatcher(value, (record) => Object.keys(record.config.ExposedPorts ?? {})));
  tests.push((record) => matchLabels(filters.get('label'), record.config.Labels));
  edge(ctx, filters, 'before', tests, (record, other) => record.created < other.created);
  edge(ctx, filters, 'since', tests, (record, other) => record.created > other.created);
  return (record) => tests.every((matches) => matches(record));
}

function edge(
  ctx: ContainersContext,
  filters: Filters,
  name: 'before' | 'since',
  tests: Matcher[],
  compare: (record: ContainerRecord, other: ContainerRecord) => boolean,
): void {
  for (const reference of filters.get(name) ?? []) {
    const other = ctx.table.find(reference);
    if (!other) throw notFound(`No such container: ${reference}`);
    const limit = { ...other.record };
    tests.push((record) => record.id !== limit.id && compare(record, limit));
  }
}

/** dockerd reads ids and names as regular expressions, and as plain text where that fails. */
function textMatcher(value: string, of: (record: ContainerRecord) => string): Matcher {
  let pattern: RegExp | undefined;
  try {
    pattern = new RegExp(value);
  } catch {
    // plain text then
  }
  return (record) => of(record).startsWith(value) || (pattern?.test(of(record)) ?? false);
}

/** With or without the slash names have on the wire. */
function nameMatcher(value: string): Matcher {
  const slashed = textMatcher(value, (record) => `/${record.name}`);
  const plain = textMatcher(value.replace(/^(\^?)\//, '$1'), (record) => record.name);
  return (record) => slashed(record) || plain(record);
}

function ancestorMatcher(ctx: ContainersContext, value: string): Matcher {
  let id: string | undefined;
  try {
    id = ctx.images.resolve(value).id;
  } catch {
    id = undefined;
  }
  return (record) => record.imageId === id || record.imageName === value;
}

function networkMatcher(value: string): Matcher {
  return (record) => {
    const networks = { ...record.endpoints, ...record.attached.networks };
    if (value in networks || record.hostConfig.NetworkMode === value) return true;
    return Object.values(networks).some(
      (endpoint) => endpoint?.NetworkID !== undefined && value !== '' && endpoint.NetworkID.startsWith(value),
    );
  };
}

/** "80", "80/udp", "8000-8080/tcp" */
function portMatcher(value: string, of: (record: ContainerRecord) => string[]): Matcher {
  const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(value);
  if (!match) throw invalid(`invalid filter: invalid port '${value}'`);
  const [low, high, protocol] = [Number(match[1]), Number(match[2] ?? match[1]), match[3] ?? 'tcp'];
  return (record) =>
    of(record).some((port) => {
      const [number, kind] = port.split('/');
      return kind === protocol && Number(number) >= low && Number(number) <= high;
    });
}
