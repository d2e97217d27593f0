/** The engine answered with a failure; `message` is the engine's own. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

/** The engine could not be reached, or went away in the middle. `code` is the system's ("ECONNREFUSED"), where there is one. */
export class UnreachableError extends Error {
  readonly address: string;
  readonly code: string;

  constructor(address: string, cause: unknown) {
    super(`cannot reach the engine at ${address}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.name = 'UnreachableError';
    this.address = address;
    this.code = codeOf(cause);
  }
}

function codeOf(cause: unknown): string {
  if (typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'string')
    return cause.code;
  return '';
}
