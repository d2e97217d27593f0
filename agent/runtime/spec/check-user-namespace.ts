import { invalid } from '../../api/errors.ts';
import type { HostConfig } from '../../api/container.ts';
import type { KernelFacts } from '../types.ts';

/** What a container with ids of its own cannot have (moby, daemon_unix.go). Throws invalid-parameter. */
export function checkMapped(host: HostConfig, facts: Pick<KernelFacts, 'userNamespaces'>): void {
  if (facts.userNamespaces === false) throw invalid('your kernel does not support user namespaces');
  if (host.Privileged)
    throw invalid(
      'privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode',
    );
  if (host.NetworkMode === 'host')
    throw invalid("cannot share the host's network namespace when user namespaces are enabled");
  if (host.PidMode === 'host') throw invalid('cannot share the host PID namespace when user namespaces are enabled');
}
