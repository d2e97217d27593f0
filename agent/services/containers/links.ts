import type { HostConfig } from '../../api/container.ts';
import { conflict, invalid, systemError } from '../../api/errors.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainersContext } from './context.ts';
import { networkKind } from './network-subject.ts';

/** "target:alias", "/target:/name/alias" or "target": whom, and as what. */
export function parseLink(link: string): { target: string; alias: string } {
  const [target = '', alias = target] = link.split(':');
  return { target: target.replace(/^\//, ''), alias: alias.split('/').at(-1) as string };
}

/** On networks of the user's, names are looked up when they are needed, and what is linked is the endpoint's. */
const linksContainers = (host: HostConfig) => ['', 'default', 'bridge', 'none'].includes(host.NetworkMode ?? '');

/**
 * Containers that are linked to must be there, where links are lines in /etc/hosts: on the default bridge (moby `registerLinks`). Gives
 * the links by the containers' ids: they last when names change.
 */
export function checkLinks(ctx: Pick<ContainersContext, 'table'>, host: HostConfig): string[] | null | undefined {
  if (!linksContainers(host)) return host.Links;
  return host.Links?.map((link) => {
    if (link === '') throw invalid('empty string specified for links');
    if (link.split(':').length > 2) throw invalid(`bad format for links: ${link}`);
    const { target, alias } = parseLink(link);
    const other = ctx.table.find(target);
    // Not "not found": a client would take that for its image (moby#39823).
    if (!other) throw invalid(`could not get container for ${target}: No such container: ${target}`);
    if (networkKind(other.record.hostConfig.NetworkMode) === 'host')
      throw invalid(
        "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
      );
    return `${other.id}:${alias}`;
  });
}

/** As they are shown: "/target:/name/alias", by the names of now; those to containers that are gone are gone too. */
export function shownLinks(ctx: Pick<ContainersContext, 'table'>, record: ContainerRecord): string[] | null {
  const { hostConfig, name } = record;
  if (!linksContainers(hostConfig)) return hostConfig.Links ?? null;
  const shown = (hostConfig.Links ?? []).flatMap((link) => {
    const { target, alias } = parseLink(link);
    const other = ctx.table.find(target)?.record;
    return other ? [`/${other.name}:/${name}/${alias}`] : [];
  });
  return shown.length > 0 ? shown : null;
}

/** Further names of containers, by id: "/name/alias" for those that others link to. */
export function linkedNames(ctx: Pick<ContainersContext, 'table'>): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const { record } of ctx.table.values())
    for (const link of linksContainers(record.hostConfig) ? (record.hostConfig.Links ?? []) : []) {
      const { target, alias } = parseLink(link);
      const id = ctx.table.find(target)?.id;
      if (id) names.set(id, [...(names.get(id) ?? []), `/${record.name}/${alias}`]);
    }
  return names;
}

/** DELETE /containers/{name}/{alias}?link=1: the containers stay. What runs keeps its line in /etc/hosts until it ends. */
export async function unlink(ctx: Pick<ContainersContext, 'table'>, reference: string): Promise<void> {
  ctx.table.get(reference);
  const name = reference.replace(/^\/?/, '/');
  const at = name.lastIndexOf('/');
  if (at === 0) throw conflict('Conflict, cannot remove the default link name of the container');
  const [parent, alias] = [name.slice(0, at), name.slice(at + 1)];
  const live = ctx.table.find(parent);
  if (!live) throw systemError(`Cannot get parent ${parent} for link name ${name}`);
  await live.lock.run(() => {
    const { hostConfig } = live.record;
    hostConfig.Links = (hostConfig.Links ?? []).filter((link) => parseLink(link).alias !== alias);
    return ctx.table.save(live);
  });
}
