import { EngineError } from '../../api/errors.ts';

interface SystemError extends Error {
  code?: string;
  address?: string;
  port?: number;
  hostname?: string;
  errors?: SystemError[];
}

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  EACCES: 'connect: permission denied',
};

/** A registry that speaks plain HTTP on a port asked for TLS. */
const PLAIN_ANSWER = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_RECORD_LAYER_FAILURE',
]);
const UNKNOWN_AUTHORITY = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

/** The server answered, but not with TLS: plain HTTP may be tried where the registry is insecure. */
export class PlainHttpError extends EngineError {}

function dialTarget(error: SystemError, url: URL): string {
  const host = error.address ?? url.hostname;
  const port = error.port ?? (url.port || (url.protocol === 'https:' ? 443 : 80));
  return `dial tcp ${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
}

function reason(error: SystemError, url: URL): string {
  const code = error.code ?? '';
  const known = REASONS[code];
  if (known !== undefined) return `${dialTarget(error, url)}: ${known}`;
  if (code === 'ENOTFOUND' || code === 'EAI_NONAME') return `dial tcp: lookup ${url.hostname}: no such host`;
  if (code === 'EAI_AGAIN') return `dial tcp: lookup ${url.hostname}: Temporary failure in name resolution`;
  if (code === 'ETIMEDOUT') return `${dialTarget(error, url)}: i/o timeout`;
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return error.message === 'socket hang up' ? 'EOF' : 'read: connection reset by peer';
  if (code === 'CERT_HAS_EXPIRED')
    return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `tls: failed to verify certificate: x509: certificate is not valid for ${url.hostname}`;
  if (UNKNOWN_AUTHORITY.has(code))
    return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
  return error.message;
}

/** What went wrong on the network, in the words Go's client has and Docker users know. */
export function describeNetworkError(thrown: Error, method: string, address: string): EngineError {
  const error = thrown as SystemError;
  const url = new URL(address);
  const start = `${method[0]}${method.slice(1).toLowerCase()} "${address}": `;
  if (PLAIN_ANSWER.has(error.code ?? '') || /wrong version number|packet length too long/.test(error.message))
    return new PlainHttpError('system', `${start}http: server gave HTTP response to HTTPS client`, error);
  // "happy eyeballs": one error for each address tried; the first tells enough
  const one = error.errors?.[0] ?? error;
  return new EngineError('system', start + reason(one, url), error);
}
