import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OciSpec } from './oci.ts';

/** The filter as the kernel takes it, in base64 (crun(1), annotations). What does not know it compiles `linux.seccomp`, as ever. */
const ANNOTATION = 'run.oci.seccomp_bpf_data';
/** Profiles remembered. Most engines see one or two; a filter has some 10 kB. */
const KEPT = 16;
/** struct sock_filter, <linux/filter.h> */
const INSTRUCTION = 8;

/**
 * Compiling the default seccomp profile takes crun some 12 ms for every container. What it made for the first container with a profile
 * (it leaves the filter beside its state, for exec) is handed to it for the next ones.
 */
export class SeccompFilters {
  readonly #state: string;
  /** hash of `linux.seccomp` → filter; the one used longest ago is the first */
  readonly #known = new Map<string, string>();
  /** container → hash of the profile its filter is being compiled from */
  readonly #wanted = new Map<string, string>();

  /** `state`: the runtime's `--root` */
  constructor(state: string) {
    this.#state = state;
  }

  /** The configuration to give to the runtime. */
  apply(id: string, spec: OciSpec): OciSpec {
    const { seccomp } = spec.linux;
    // A listener's file descriptor comes with the filter. Whoever gives crun such annotations wants something else.
    if (!seccomp || 'listenerPath' in seccomp || names(spec).some((name) => name.startsWith('run.oci.seccomp')))
      return spec;
    const hash = createHash('sha256').update(JSON.stringify(seccomp)).digest('base64');
    const filter = this.#known.get(hash);
    if (filter === undefined) {
      this.#wanted.set(id, hash);
      return spec;
    }
    this.#known.delete(hash);
    this.#known.set(hash, filter);
    return { ...spec, annotations: { ...spec.annotations, [ANNOTATION]: filter } };
  }

  /** To be called when the runtime has made the container, or has failed to. */
  async learn(id: string, made: boolean): Promise<void> {
    const hash = this.#wanted.get(id);
    this.#wanted.delete(id);
    if (hash === undefined || !made || this.#known.has(hash)) return;
    // Gone already, or this runtime has no such file: the next container is compiled for again.
    const filter = await readFile(join(this.#state, id, 'seccomp.bpf')).catch(() => Buffer.alloc(0));
    if (filter.length === 0 || filter.length % INSTRUCTION !== 0) return;
    this.#known.set(hash, filter.toString('base64'));
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= KEPT) break;
      this.#known.delete(oldest);
    }
  }
}

const names = (spec: OciSpec): string[] => Object.keys(spec.annotations ?? {});
