import type { HostConfig } from '../../api/container.ts';
import { invalid } from '../../api/errors.ts';
import type { ContainersContext } from './context.ts';
import { networkKind } from './network-subject.ts';

/** Containers that are linked to must be there, where links are lines in /etc/hosts: on the default bridge (moby `registerLinks`). */
export function checkLinks(ctx: Pick<ContainersContext, 'table'>, host: HostConfig): void {
  // On networks of the user's, names are looked up when they are needed.
  if (!['', 'default', 'bridge', 'none'].includes(host.NetworkMode ?? '')) return;
  for (const link of host.Links ?? []) {
    if (link === '') throw invalid('empty string specified for links');
    if (link.split(':').length > 2) throw invalid(`bad format for links: ${link}`);
    const reference = (link.split(':')[0] ?? '').replace(/^\//, '');
    const other = ctx.table.find(reference);
    // Not "not found": a client would take that for its image (moby#39823).
    if (!other) throw invalid(`could not get container for ${reference}: No such container: ${reference}`);
    if (networkKind(other.record.hostConfig.NetworkMode) === 'host')
      throw invalid(
        "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
      );
  }
}
