import { posix } from 'node:path';
import { invalid } from '../../api/errors.ts';
import type { ContainerConfig, HealthConfig } from '../../api/container.ts';
import { parsePort } from './ports.ts';
import { signalNumber } from './signals.ts';

/** HOST_NAME_MAX, <linux/limits.h> */
const MAX_HOSTNAME = 64;
/** nanoseconds: the least interval of a health check */
const MIN_DURATION = 1_000_000;

/** Checks the portable part as the user gave it; cleans the working directory in place. Throws invalid-parameter. */
export function checkConfig(config: ContainerConfig): void {
  if (config.WorkingDir) {
    if (!config.WorkingDir.startsWith('/'))
      throw invalid(`the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`);
    config.WorkingDir = cleanPath(config.WorkingDir);
  }
  if (config.StopSignal) signalNumber(config.StopSignal);
  for (const entry of config.Env ?? [])
    if (entry === '' || entry.startsWith('=')) throw invalid(`invalid environment variable: ${entry}`);
  checkHealth(config.Healthcheck);
  for (const text of [
    ...(config.Env ?? []),
    ...(config.Cmd ?? []),
    ...(config.Entrypoint ?? []),
    config.WorkingDir ?? '',
    config.User ?? '',
  ])
    if (text.includes('\0')) throw invalid(`invalid argument: ${JSON.stringify(text)} contains a NUL byte`);
  if (Buffer.byteLength(config.Hostname ?? '') > MAX_HOSTNAME)
    throw invalid(`hostname ${JSON.stringify(config.Hostname)} is too long (maximum ${MAX_HOSTNAME} bytes)`);
  if (/[\0\n/]/.test(config.Hostname ?? '')) throw invalid(`invalid hostname: ${JSON.stringify(config.Hostname)}`);
  if (/[\0\n]/.test(config.Domainname ?? '')) throw invalid(`invalid domainname: ${JSON.stringify(config.Domainname)}`);
  if (typeof config.StopTimeout === 'number' && config.StopTimeout < -1)
    throw invalid(`invalid stop timeout: ${config.StopTimeout}`);
  for (const port of Object.keys(config.ExposedPorts ?? {}))
    if (!parsePort(port)) throw invalid(`invalid port specification: ${JSON.stringify(port)}`);
}

function checkHealth(health: HealthConfig | null | undefined): void {
  if (!health) return;
  for (const field of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const value = health[field] ?? 0;
    if (value !== 0 && value < MIN_DURATION) throw invalid(`${field} in Healthcheck cannot be less than 1ms`);
  }
  if ((health.Retries ?? 0) < 0) throw invalid('Retries in Healthcheck cannot be negative');
  const kind = health.Test?.[0];
  if (kind !== undefined && !['', 'NONE', 'CMD', 'CMD-SHELL'].includes(kind))
    throw invalid(`Unknown type ${JSON.stringify(kind)} in HEALTHCHECK (try CMD)`);
}

/** Go's path.Clean: no trailing slash. */
export function cleanPath(path: string): string {
  const clean = posix.normalize(path === '' ? '.' : path);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}
