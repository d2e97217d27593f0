import { conflict, systemError } from '../../api/errors.ts';
import type { NamespaceChoice, NamespaceChoices } from '../../runtime/types.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainersContext } from './context.ts';
import { hasProcesses } from './state.ts';
import { joinedContainer } from './user-namespace.ts';

/** How each namespace of the container comes about. `netns` is the path of its own network namespace, if it has one. */
export function namespaceChoices(ctx: ContainersContext, record: ContainerRecord, netns: string): NamespaceChoices {
  const { hostConfig } = record;
  const choose = (mode: string | undefined, kind: string): NamespaceChoice => {
    if (mode === 'host') return { kind: 'host' };
    if (mode?.startsWith('container:'))
      return { kind: 'join', path: joinPath(ctx, mode.slice('container:'.length), kind) };
    return { kind: 'new' };
  };
  const net: NamespaceChoice = netns === '' ? choose(hostConfig.NetworkMode, 'net') : { kind: 'join', path: netns };
  // The network of the host, or of another container, comes with its name (moby: `UTS` stays private; only the mode "host" shares it).
  return {
    net,
    pid: choose(hostConfig.PidMode, 'pid'),
    ipc: choose(hostConfig.IpcMode, 'ipc'),
    uts: choose(hostConfig.UTSMode, 'uts'),
    user: record.idMap ? userChoice(ctx, record) : { kind: 'host' },
    cgroup: hostConfig.CgroupnsMode === 'host' ? { kind: 'host' } : { kind: 'new' },
  };
}

/** Namespaces that are joined come with the user namespace that owns them. */
function userChoice(ctx: ContainersContext, record: ContainerRecord): NamespaceChoice {
  const other = joinedContainer(record);
  return other === undefined ? { kind: 'new' } : { kind: 'join', path: joinPath(ctx, other, 'user') };
}

function joinPath(ctx: ContainersContext, reference: string, kind: string): string {
  const { record } = ctx.table.get(reference);
  if (!hasProcesses(record)) {
    if (kind === 'net')
      throw conflict(
        `cannot join network namespace of a non running container: container ${record.name} is ${record.state.Status}`,
      );
    throw systemError(`failed to join ${kind.toUpperCase()} namespace: container ${reference} is not running`);
  }
  return `/proc/${record.state.Pid}/ns/${kind}`;
}
