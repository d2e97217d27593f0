/**
 * The error catalogue: every failure the engine reports to a client is one of these kinds. The kind alone decides the
 * HTTP status (see `statusOf`), as in moby's `httpstatus/status.go`; `message` is what the user reads.
 */
export type ErrorKind =
  | 'invalid-parameter'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'not-modified'
  | 'not-implemented'
  | 'unavailable'
  | 'system'
  | 'cancelled';

const STATUS: Record<ErrorKind, number> = {
  'invalid-parameter': 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'not-modified': 304,
  'not-implemented': 501,
  unavailable: 503,
  system: 500,
  cancelled: 499,
};

/** An expected failure. Anything else that is thrown is a bug, and answers 500. `cause` is for the log, never for the client. */
export class EngineError extends Error {
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'EngineError';
    this.kind = kind;
  }
}

/** HTTP status for anything that was thrown; 500 for what is not in the catalogue. */
export function statusOf(error: unknown): number {
  return error instanceof EngineError ? STATUS[error.kind] : 500;
}

/** Body of every error answer (Docker Engine API, `ErrorResponse`). */
export interface ErrorResponse {
  message: string;
}

export const invalid = (message: string, cause?: unknown) => new EngineError('invalid-parameter', message, cause);
export const notFound = (message: string, cause?: unknown) => new EngineError('not-found', message, cause);
export const conflict = (message: string, cause?: unknown) => new EngineError('conflict', message, cause);
export const systemError = (message: string, cause?: unknown) => new EngineError('system', message, cause);
export const notImplemented = (message: string) => new EngineError('not-implemented', message);
