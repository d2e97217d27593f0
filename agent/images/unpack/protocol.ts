import type { ErrorKind } from '../../api/errors.ts';

/** What the engine asks of an unpack worker: fetch a blob (or take it from disk), verify it, and unpack it where that is wanted. */
export interface LayerTask {
  id: number;
  digest: string;
  /** bytes of the blob */
  size: number;
  /** the blob, complete and verified before: read instead of fetched */
  storedPath?: string;
  /** where it is fetched to; what is there already is the beginning of it */
  partialPath?: string;
  source?: { url: string; headers: Record<string, string>; insecureTls: boolean };
  unpack?: {
    /** made by the worker; must not be there */
    directory: string;
    /** digest of the archive without compression */
    diffId: string;
    overlayPrefix: 'trusted.' | 'user.';
  };
}

export type ToWorker = { kind: 'start'; task: LayerTask } | { kind: 'cancel'; id: number };

export type FromWorker =
  /** bytes of the blob that are here */
  | { kind: 'progress'; id: number; fetched: number }
  /** the connection failed and is tried again */
  | { kind: 'retrying'; id: number; seconds: number }
  /** all bytes are here and have the digest; they are on their way through the unpacker */
  | { kind: 'verified'; id: number }
  /** `size`: bytes of the unpacked files */
  | { kind: 'done'; id: number; size: number }
  | { kind: 'failed'; id: number; error: { kind: ErrorKind; message: string; registryCode?: string; status?: number } };
