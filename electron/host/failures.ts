import { ORPCError, ValidationError } from '@orpc/server';
import type { AppError } from '../contract/model.ts';
import { ApiError, UnreachableError } from '../engine/errors.ts';
import { SshError } from '../engine/ssh-error.ts';
import { MachineError } from '../machine/types.ts';

/** An expected failure of the host's own. */
export class HostError extends Error {
  readonly failure: AppError;

  constructor(failure: AppError) {
    super(failure.message);
    this.name = 'HostError';
    this.failure = failure;
  }
}

/** What went wrong, for the window. `field` names the part of the form, where the caller knows it. */
export function toAppError(error: unknown, field?: string): AppError {
  const failure = describe(error);
  return field !== undefined && failure.field === undefined ? { ...failure, field } : failure;
}

function describe(error: unknown): AppError {
  if (error instanceof HostError) return error.failure;
  // a transport that knows better why there is no engine says so
  if (error instanceof UnreachableError)
    return error.cause instanceof HostError ? error.cause.failure : unreachable(error);
  if (error instanceof MachineError) return machineFailure(error);
  if (error instanceof ApiError) return refusal(error);
  if (isBrokenConnection(error))
    return {
      code: 'unreachable',
      message: 'The engine went away in the middle.',
      detail: error.message,
      action: 'Berth keeps trying to connect.',
    };
  if (error instanceof ORPCError && error.cause instanceof ValidationError) {
    const issue = error.cause.issues[0];
    const path = (issue?.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
    return { code: 'invalid-input', message: issue?.message ?? error.message, ...(path ? { field: path } : {}) };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'internal', message, action: 'This is a fault in Berth. Try again; if it stays, please report it.' };
}

/** `machine-step`: the machine's state has it at its step, with what to do. */
function machineFailure({ message, hint, step }: MachineError): AppError {
  const code = step === undefined ? 'machine' : 'machine-step';
  return { code, message: sentence(message), ...(hint ? { action: sentence(hint) } : {}) };
}

/** The command line's words, as the window writes them. */
const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** What Node's streams fail with when the other side is gone. */
function isBrokenConnection(error: unknown): error is Error {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}

function unreachable(error: UnreachableError): AppError {
  const { cause } = error;
  if (cause instanceof SshError)
    return {
      code: 'unreachable',
      message: 'The engine cannot be reached through ssh.',
      detail: cause.message,
      action: cause.hint === '' ? unreachableAction(error) : sentence(cause.hint),
    };
  return {
    code: 'unreachable',
    message: 'The engine does not answer.',
    detail: error.message,
    action: unreachableAction(error),
  };
}

/** What a user can do about an engine that cannot be reached. */
export function unreachableAction(error: UnreachableError): string {
  if (error.code === 'EACCES')
    return 'You may not use this socket. Join its group (see `ls -l`), log in again, or start Berth as a user who may.';
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')
    return 'The engine is not running there. Start it, or check the address.';
  return 'Check that the engine is running. Berth keeps trying to connect.';
}

const CODES: Record<number, string> = {
  400: 'invalid-parameter',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  501: 'not-implemented',
};

function refusal(error: ApiError): AppError {
  return { code: CODES[error.status] ?? 'engine', message: error.message };
}

/** The contract's one error. */
export function failed(error: unknown): ORPCError<'FAILED', AppError> {
  const data = toAppError(error);
  return new ORPCError('FAILED', { defined: true, status: 500, message: data.message, data, cause: error });
}
