import { randomBytes } from 'node:crypto';
import { invalid } from '../api/errors.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
/** NAME_MAX: the name is a directory's */
const MAX_LENGTH = 255;

/** Marks a volume that nobody named. */
export const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';

/** 64 hex digits, as Docker names what nobody named. */
export const anonymousName = () => randomBytes(32).toString('hex');

/** Throws invalid-parameter with dockerd's message. */
export function checkVolumeName(name: string): void {
  if (name.length === 1)
    throw invalid(`create ${name}: volume name is too short, names should be at least two alphanumeric characters`);
  if (!NAME.test(name))
    throw invalid(
      `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  if (name.length > MAX_LENGTH) throw invalid(`create ${name}: volume name is too long (maximum ${MAX_LENGTH} bytes)`);
}
