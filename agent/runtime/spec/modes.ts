/** Docker's namespace modes are words, or "container:NAME". */
const PREFIX = 'container:';

/** The other container of "container:X"; undefined for any other mode. May be ''. */
export function otherContainer(mode: string | undefined): string | undefined {
  return mode?.startsWith(PREFIX) ? mode.slice(PREFIX.length) : undefined;
}

/** A network of the container's own: neither the host's nor another container's. */
export const hasOwnNetwork = (mode: string | undefined) => mode !== 'host' && otherContainer(mode) === undefined;

/** A process namespace of the container's own. */
export const hasOwnPids = (mode: string | undefined) => mode !== 'host' && otherContainer(mode) === undefined;
