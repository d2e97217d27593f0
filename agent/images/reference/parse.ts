import { invalid } from '../../api/errors.ts';

/** An image reference in full: what "busybox" means is docker.io/library/busybox. Grammar: distribution/reference `reference.go`. */
export interface Reference {
  /** "docker.io", "127.0.0.1:5000" */
  readonly domain: string;
  /** "library/busybox" */
  readonly path: string;
  readonly tag?: string;
  /** "sha256:…" */
  readonly digest?: string;
}

const DEFAULT_DOMAIN = 'docker.io';
const LEGACY_DOMAIN = 'index.docker.io';
const LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = `(?:${LABEL}(?:\\.${LABEL})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?`;
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const PATH = `${COMPONENT}(?:/${COMPONENT})*`;
const TAG = '[\\w][\\w.-]{0,127}';
const DIGEST = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
const REFERENCE = new RegExp(`^(${DOMAIN})/(${PATH})(?::(${TAG}))?(?:@(${DIGEST}))?$`);
const TAG_ONLY = new RegExp(`^${TAG}$`);

const DIGEST_LENGTHS: Record<string, number> = { sha256: 64, sha384: 96, sha512: 128 };

/** Throws `invalid-parameter` unless it is "ALGORITHM:HEX" of a known algorithm. */
export function checkDigest(digest: string): string {
  const at = digest.indexOf(':');
  const hex = digest.slice(at + 1);
  const length = DIGEST_LENGTHS[digest.slice(0, at)];
  if (at <= 0 || !/^[0-9a-zA-Z]+$/.test(hex)) throw invalid('invalid checksum digest format');
  if (length === undefined) throw invalid('unsupported digest algorithm');
  if (hex.length !== length) throw invalid('invalid checksum digest length');
  if (!/^[0-9a-f]+$/.test(hex)) throw invalid('invalid checksum digest format');
  return digest;
}

/** Docker's rule for what is a host: it has a dot or a port, is localhost, or has a capital letter (which no path may). */
function splitDomain(text: string): [domain: string, remainder: string] {
  const slash = text.indexOf('/');
  const first = text.slice(0, slash);
  const isHost = slash >= 0 && (/[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first);
  let domain = isHost ? first : DEFAULT_DOMAIN;
  let remainder = isHost ? text.slice(slash + 1) : text;
  if (domain === LEGACY_DOMAIN) domain = DEFAULT_DOMAIN;
  if (domain === DEFAULT_DOMAIN && !remainder.includes('/')) remainder = `library/${remainder}`;
  return [domain, remainder];
}

/** Reads what a user typed. Throws `invalid-parameter` with dockerd's words. No tag is added: see `withDefaultTag`. */
export function parseReference(text: string): Reference {
  if (/^[a-f0-9]{64}$/.test(text))
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  const [domain, remainder] = splitDomain(text);
  const name = remainder.split(/[:@]/, 1)[0] ?? '';
  if (name !== name.toLowerCase())
    throw invalid(`invalid reference format: repository name (${name}) must be lowercase`);
  const match = REFERENCE.exec(`${domain}/${remainder}`);
  if (!match) throw invalid('invalid reference format');
  const [, , path = '', tag, digest] = match;
  if (path.length > 255) throw invalid('repository name must not be more than 255 characters');
  if (digest !== undefined) checkDigest(digest);
  return { domain, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

export function checkTag(tag: string): string {
  if (!TAG_ONLY.test(tag)) throw invalid('invalid tag format');
  return tag;
}

/** The name in full, without tag and digest: "docker.io/library/busybox". */
export const fullName = (reference: Reference) => `${reference.domain}/${reference.path}`;

/** The name as Docker shows it: "busybox", "127.0.0.1:5000/busybox". */
export function familiarName({ domain, path }: Reference): string {
  if (domain !== DEFAULT_DOMAIN) return `${domain}/${path}`;
  const match = /^library\/([^/]+)$/.exec(path);
  return match?.[1] ?? path;
}

const suffix = ({ tag, digest }: Reference) =>
  (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`);
/** With tag and digest, as Docker shows it. */
export const familiar = (reference: Reference) => familiarName(reference) + suffix(reference);
/** With tag and digest, in full: the key under which a reference is stored. */
export const fullReference = (reference: Reference) => fullName(reference) + suffix(reference);

/** "busybox" means "busybox:latest"; a digest needs no tag. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference;
}

export const isOfficialHub = (reference: Reference) => reference.domain === DEFAULT_DOMAIN;
