import type { Supervisor } from './supervisor.ts';

/** What dockerd calls its own runtime: the one that is there by default. */
const DOCKERS_OWN = 'io.containerd.runc.v2';

export interface Runtimes {
  /** of the engine's choice */
  readonly defaultName: string;
  /** installed ones, the default among them */
  readonly names: ReadonlySet<string>;
}

/** The installed runtime that a container with `asked` is run by; undefined for a name that is not known. */
export function runtimeFor({ defaultName, names }: Runtimes, asked: string | undefined): string | undefined {
  if (asked === undefined || asked === '' || asked === DOCKERS_OWN) return defaultName;
  if (names.has(asked)) return asked;
  // "runc" is every other engine's default, and what clients send that mean no more than that.
  return asked === 'runc' ? defaultName : undefined;
}

/** Hands each container to the supervisor of its runtime; `chosen` gives its name by the container's id. */
export function createChoosingSupervisor(
  supervisors: ReadonlyMap<string, Supervisor>,
  runtimes: Runtimes,
  chosen: (id: string) => string | undefined,
): Supervisor {
  const standard = supervisors.get(runtimes.defaultName) as Supervisor;
  const of = (id: string) => supervisors.get(runtimeFor(runtimes, chosen(id)) ?? '') ?? standard;
  return {
    adapt: (id, spec) => of(id).adapt?.(id, spec) ?? spec,
    create: (container) => of(container.id).create(container),
    start: (id) => of(id).start(id),
    discard: (id) => of(id).discard(id),
    // conmon's own, whichever runtime it ran.
    attach: (bundle) => standard.attach(bundle),
    resize: (bundle, height, width) => standard.resize(bundle, height, width),
    reopenLog: (bundle) => standard.reopenLog(bundle),
    exec: (request) => of(request.containerId).exec(request),
  };
}
