import type { ContainerSummary, PortMap, PortSummary } from '../../api/container.ts';
import type { Filters } from '../../http/query.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainersContext } from './context.ts';
import { linkedNames } from './links.ts';
import { listMatcher } from './list-filter.ts';
import { measure } from './size.ts';
import { statusText } from './status-text.ts';

export interface ListOptions {
  all: boolean;
  /** the newest so many; 0 for all */
  limit: number;
  size: boolean;
  filters: Filters;
}

/** GET /containers/json: the newest first. Without `all` only those that run, unless a filter or limit asks for others. */
export async function list(ctx: ContainersContext, options: ListOptions): Promise<ContainerSummary[]> {
  const matches = listMatcher(ctx, options.filters);
  const others = options.all || options.limit > 0 || options.filters.has('status');
  const found: ContainerRecord[] = [];
  for (const { record } of ctx.table.values())
    if ((others || record.state.Running) && matches(record)) found.push(record);
  found.sort((a, b) => (a.created < b.created ? 1 : a.created > b.created ? -1 : 0));
  if (options.limit > 0) found.length = Math.min(found.length, options.limit);
  const now = ctx.clock.now();
  const links = linkedNames(ctx);
  const summaries = found.map((record) => summary(ctx, record, now, links.get(record.id)));
  if (options.size) for (const item of summaries) Object.assign(item, await measure(ctx, item.Id, item.ImageID));
  return summaries;
}

function summary(
  ctx: ContainersContext,
  record: ContainerRecord,
  now: number,
  links: readonly string[] = [],
): ContainerSummary {
  return {
    Id: record.id,
    Names: [`/${record.name}`, ...links],
    Image: displayedImage(ctx, record),
    ImageID: record.imageId,
    Command: [record.path, ...record.args].map((part) => (/\s/.test(part) ? `'${part}'` : part)).join(' '),
    Created: Math.floor(Date.parse(record.created) / 1000),
    Ports: portSummaries(record.attached.ports),
    Labels: record.config.Labels ?? {},
    State: record.state.Status,
    Status: statusText(record.state, now),
    HostConfig: {
      NetworkMode: record.hostConfig.NetworkMode || 'default',
      Annotations: record.hostConfig.Annotations ?? undefined,
    },
    NetworkSettings: { Networks: { ...record.endpoints, ...record.attached.networks } },
    Mounts: record.mounts,
  };
}

/** The name as it was given, or the id when it is another image's by now. */
function displayedImage(ctx: ContainersContext, record: ContainerRecord): string {
  try {
    if (ctx.images.resolve(record.imageName).id === record.imageId) return record.imageName;
  } catch {
    // the name is gone
  }
  return record.imageId;
}

export function portSummaries(ports: PortMap): PortSummary[] {
  return Object.entries(ports).flatMap(([port, bindings]): PortSummary[] => {
    const [number, type = 'tcp'] = port.split('/');
    const PrivatePort = Number(number);
    if (!bindings || bindings.length === 0) return [{ PrivatePort, Type: type }];
    return bindings.map((binding) => ({
      IP: binding.HostIp || '0.0.0.0',
      PrivatePort,
      PublicPort: Number(binding.HostPort),
      Type: type,
    }));
  });
}
