import { EngineError } from '../../api/errors.ts';
import { familiar, familiarName, type Reference } from '../reference/parse.ts';

/** What a registry answered: the error's code (`MANIFEST_UNKNOWN`) and message (distribution specification, "Error codes"). */
export class RegistryError extends EngineError {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status: number) {
    super('system', `${code.toLowerCase().replaceAll('_', ' ')}: ${message}`);
    this.code = code;
    this.status = status;
  }

  /** One that comes from another thread, its message made there. */
  static received(code: string, message: string, status: number): RegistryError {
    return new RegistryError(code, message.slice(message.indexOf(': ') + 2), status);
  }
}

const BY_STATUS: Record<number, [code: string, message: string]> = {
  401: ['UNAUTHORIZED', 'authentication required'],
  403: ['DENIED', 'requested access to the resource is denied'],
  429: ['TOOMANYREQUESTS', 'too many requests'],
};

/** The error in a response's body, or one made of its status. */
export function registryError(status: number, body: Buffer, request: string): EngineError {
  const text = body.toString('utf8');
  try {
    const first = (JSON.parse(text) as { errors?: { code?: unknown; message?: unknown }[] }).errors?.[0];
    if (typeof first?.code === 'string')
      return new RegistryError(first.code, typeof first.message === 'string' ? first.message : 'unknown', status);
  } catch {
    // not JSON: by status
  }
  const known = BY_STATUS[status];
  if (known) return new RegistryError(known[0], known[1], status);
  if (status === 404 && request.includes('/manifests/'))
    return new RegistryError('MANIFEST_UNKNOWN', 'manifest unknown', status);
  if (status === 404 && request.includes('/blobs/'))
    return new RegistryError('BLOB_UNKNOWN', 'blob unknown to registry', status);
  return new EngineError(
    'system',
    `received unexpected HTTP status: ${status}${text.trim() ? ` ${text.trim().slice(0, 200)}` : ''}`,
  );
}

/** In dockerd's words and kinds (moby `distribution/errors.go`, `translatePullError`). */
export function translatePullError(error: unknown, reference: Reference): unknown {
  if (!(error instanceof RegistryError)) return error;
  switch (error.code) {
    case 'DENIED':
      return new EngineError(
        'not-found',
        `pull access denied for ${familiarName(reference)}, repository does not exist or may require 'docker login': ${error.message}`,
        error,
      );
    case 'MANIFEST_UNKNOWN':
    // what docker-registry before 3.0 calls a malformed tag or digest that it does not have
    case 'NOT_FOUND':
      return new EngineError('not-found', `manifest for ${familiar(reference)} not found: ${error.message}`, error);
    case 'NAME_UNKNOWN':
      return new EngineError('not-found', `repository ${familiarName(reference)} not found: ${error.message}`, error);
    default:
      return error;
  }
}
