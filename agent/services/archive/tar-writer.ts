/** Headers of POSIX.1-2017 pax archives (pax(1), ustar Interchange Format and pax Header Block). */

export interface TarEntry {
  /** latin1, one character a byte; a directory's ends with "/" */
  name: string;
  type: 'file' | 'link' | 'symlink' | 'char' | 'block' | 'dir' | 'fifo';
  mode: number;
  uid: number;
  gid: number;
  /** bytes that follow; 0 for all but files */
  size: number;
  /** seconds since the epoch */
  mtime: number;
  linkname?: string;
  major?: number;
  minor?: number;
  xattrs?: ReadonlyMap<string, Buffer>;
}

const BLOCK = 512;
const FLAGS: Readonly<Record<TarEntry['type'], string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  char: '3',
  block: '4',
  dir: '5',
  fifo: '6',
};
/** the largest numbers that the octal fields hold */
const MAX_ID = 0o7777777;
const MAX_SIZE = 0o77777777777;

const octal = (value: number, width: number) =>
  `${Math.max(0, Math.floor(value))
    .toString(8)
    .padStart(width - 1, '0')}\0`;
// eslint-disable-next-line no-control-regex
const isAscii = (text: string) => /^[\x00-\x7f]*$/.test(text);

/** "LENGTH KEY=VALUE\n", where LENGTH counts itself. */
function record(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function block(
  entry: { name: string; flag: string; size: number; linkname: string } & Pick<
    TarEntry,
    'mode' | 'uid' | 'gid' | 'mtime' | 'major' | 'minor'
  >,
): Buffer {
  const out = Buffer.alloc(BLOCK);
  out.write(entry.name.slice(0, 100), 0, 'latin1');
  out.write(octal(entry.mode & 0o7777, 8), 100, 'latin1');
  out.write(octal(entry.uid > MAX_ID ? 0 : entry.uid, 8), 108, 'latin1');
  out.write(octal(entry.gid > MAX_ID ? 0 : entry.gid, 8), 116, 'latin1');
  out.write(octal(entry.size > MAX_SIZE ? 0 : entry.size, 12), 124, 'latin1');
  out.write(octal(entry.mtime > MAX_SIZE ? 0 : entry.mtime, 12), 136, 'latin1');
  out.write('        ', 148, 'latin1');
  out.write(entry.flag, 156, 'latin1');
  out.write(entry.linkname.slice(0, 100), 157, 'latin1');
  out.write('ustar\x0000', 257, 'latin1');
  if (entry.major !== undefined) {
    out.write(octal(entry.major, 8), 329, 'latin1');
    out.write(octal(entry.minor ?? 0, 8), 337, 'latin1');
  }
  let sum = 0;
  for (const byte of out) sum += byte;
  out.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return out;
}

const padded = (data: Buffer) => Buffer.concat([data, padding(data.length)]);

/** What follows `size` bytes of content up to the next block. */
export const padding = (size: number) => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
/** The end of an archive. */
export const endOfArchive = () => Buffer.alloc(2 * BLOCK);

/** The header of an entry, with a pax header before it for what the old fields do not hold. */
export function tarHeader(entry: TarEntry): Buffer {
  const linkname = entry.linkname ?? '';
  const pax: Buffer[] = [];
  const raw = (text: string) => Buffer.from(text, 'latin1');
  if (entry.name.length > 100 || !isAscii(entry.name)) pax.push(record('path', raw(entry.name)));
  if (linkname.length > 100 || !isAscii(linkname)) pax.push(record('linkpath', raw(linkname)));
  if (entry.size > MAX_SIZE) pax.push(record('size', raw(String(entry.size))));
  if (entry.uid > MAX_ID) pax.push(record('uid', raw(String(entry.uid))));
  if (entry.gid > MAX_ID) pax.push(record('gid', raw(String(entry.gid))));
  if (entry.mtime < 0 || entry.mtime > MAX_SIZE) pax.push(record('mtime', raw(String(Math.floor(entry.mtime)))));
  for (const [name, value] of entry.xattrs ?? []) pax.push(record(`SCHILY.xattr.${name}`, value));
  const header = block({ ...entry, linkname, flag: FLAGS[entry.type] });
  if (pax.length === 0) return header;
  const body = Buffer.concat(pax);
  const name = `PaxHeaders.0/${entry.name.split('/').filter(Boolean).pop() ?? ''}`.slice(0, 100);
  const before = block({ name, flag: 'x', size: body.length, linkname: '', mode: 0o644, uid: 0, gid: 0, mtime: 0 });
  return Buffer.concat([before, padded(body), header]);
}
