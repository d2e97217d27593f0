import { ORPCError } from '@orpc/client';
import type { AppError } from '../../electron/contract/model.ts';
import { ConnectionLostError } from './connection.ts';

/** What went wrong, as the window shows it, whatever was thrown. */
export function asAppError(error: unknown): AppError {
  if (error instanceof ORPCError) {
    if (error.code === 'FAILED' && isAppError(error.data)) return error.data;
    if (error.code === 'BAD_REQUEST') return invalidInput(error);
    return { code: String(error.code), message: error.message };
  }
  if (isConnectionLoss(error)) {
    return {
      code: 'connection_lost',
      message: 'The connection to Berth is lost',
      detail: 'The part of Berth that talks to the engine does not answer.',
      action: 'It is tried again by itself. If Berth was stopped, start it again and open the address it prints.',
    };
  }
  return { code: 'unexpected', message: error instanceof Error ? error.message : String(error) };
}

/** True when the call failed because the connection went away: the same call may be made again. */
export function isConnectionLoss(error: unknown): boolean {
  if (error instanceof ConnectionLostError) return true;
  return (
    error instanceof Error &&
    /websocket is not open|\[?peer\]? was closed|aborted|connection (lost|closed)/i.test(error.message)
  );
}

function isAppError(data: unknown): data is AppError {
  return typeof data === 'object' && data !== null && typeof (data as AppError).message === 'string';
}

interface Issue {
  message: string;
  path?: (string | number | { key: string | number })[];
}
function invalidInput(error: ORPCError<string, unknown>): AppError {
  const first = (error.data as { issues?: Issue[] } | undefined)?.issues?.[0];
  if (!first) return { code: 'invalid', message: error.message };
  const field = first.path?.map((part) => (typeof part === 'object' ? part.key : part)).join('.');
  return { code: 'invalid', message: first.message, ...(field ? { field } : {}) };
}
