/** Docker Engine API versions served (https://docs.docker.com/reference/api/engine/). */
export const API_VERSION = '1.51';
export const MIN_API_VERSION = '1.24';
export const BERTH_VERSION = '0.1.0';

/** True when `version` (as "1.41") is at least `minimum`. Both must be well-formed. */
export function atLeast(version: string, minimum: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [minMajor = 0, minMinor = 0] = minimum.split('.').map(Number);
  return major > minMajor || (major === minMajor && minor >= minMinor);
}
