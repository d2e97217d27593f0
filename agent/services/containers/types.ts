import type { ContainerRecord } from '../container-record.ts';

/** The containers as other services see them: the state table in memory, which is what is on disk. */
export interface ContainerLookup {
  /** By id, unambiguous id prefix, or name (with or without slash). Throws not-found `No such container: REF`. */
  get(reference: string): ContainerRecord;
  find(reference: string): ContainerRecord | undefined;
  all(): Iterable<ContainerRecord>;
  /** The container's root as the engine can read it now, mounted if need be until `release`. */
  withRoot<T>(id: string, use: (root: string) => Promise<T>): Promise<T>;
  /** Called with the record after each change of state (start, exit, pause, rename, remove …); gives the way to stop. */
  onChange(listener: (record: ContainerRecord, action: string) => void): () => void;
}
