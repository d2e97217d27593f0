/** Makes tar archives for tests, well-formed or evil: names and links are written exactly as given. */

export interface TarEntry {
  name: string;
  /** default: 'file' */
  type?: 'file' | 'link' | 'symlink' | 'char' | 'block' | 'dir' | 'fifo';
  /** default: 0755 for directories, else 0644 */
  mode?: number;
  uid?: number;
  gid?: number;
  /** seconds since the epoch, fractions kept; default 1 700 000 000 */
  mtime?: number;
  content?: string | Uint8Array;
  linkname?: string;
  major?: number;
  minor?: number;
  xattrs?: Record<string, string | Uint8Array>;
}

const TYPE_FLAGS = { file: '0', link: '1', symlink: '2', char: '3', block: '4', dir: '5', fifo: '6' } as const;
const BLOCK = 512;

function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

function octal(buffer: Buffer, value: number, offset: number, length: number): void {
  const text = value.toString(8);
  if (text.length >= length) {
    // GNU base-256 for what does not fit
    buffer.writeBigInt64BE(BigInt(value), offset + length - 8);
    buffer[offset] = (buffer[offset] as number) | 0x80;
    return;
  }
  buffer.write(`${text.padStart(length - 1, '0')}\0`, offset, 'latin1');
}

function header(flag: string, name: string, linkname: string, size: number, entry: Partial<TarEntry>): Buffer {
  const block = Buffer.alloc(BLOCK);
  Buffer.from(name).copy(block, 0, 0, 100);
  octal(block, entry.mode ?? (flag === '5' ? 0o755 : 0o644), 100, 8);
  octal(block, entry.uid ?? 0, 108, 8);
  octal(block, entry.gid ?? 0, 116, 8);
  octal(block, size, 124, 12);
  octal(block, Math.floor(entry.mtime ?? 1_700_000_000), 136, 12);
  block.fill(0x20, 148, 156);
  block.write(flag, 156, 'latin1');
  Buffer.from(linkname).copy(block, 157, 0, 100);
  block.write('ustar\0' + '00', 257, 'latin1');
  octal(block, entry.major ?? 0, 329, 8);
  octal(block, entry.minor ?? 0, 337, 8);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function paxRecord(key: string, value: Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function paxHeader(entry: TarEntry): Buffer[] {
  const records: Buffer[] = [];
  if (Buffer.byteLength(entry.name) > 100) records.push(paxRecord('path', Buffer.from(entry.name)));
  if (Buffer.byteLength(entry.linkname ?? '') > 100)
    records.push(paxRecord('linkpath', Buffer.from(entry.linkname ?? '')));
  if (entry.mtime !== undefined && !Number.isInteger(entry.mtime))
    records.push(paxRecord('mtime', Buffer.from(String(entry.mtime))));
  for (const [name, value] of Object.entries(entry.xattrs ?? {}))
    records.push(paxRecord(`SCHILY.xattr.${name}`, Buffer.from(value)));
  if (records.length === 0) return [];
  const body = Buffer.concat(records);
  return [header('x', 'PaxHeaders.0/entry', '', body.length, {}), body, padding(body.length)];
}

function gnuHeader(entry: TarEntry): Buffer[] {
  const long = (flag: string, text: string) => {
    const body = Buffer.from(`${text}\0`);
    return [header(flag, '././@LongLink', '', body.length, {}), body, padding(body.length)];
  };
  return [
    ...(Buffer.byteLength(entry.linkname ?? '') > 100 ? long('K', entry.linkname ?? '') : []),
    ...(Buffer.byteLength(entry.name) > 100 ? long('L', entry.name) : []),
  ];
}

/** The archive, with its two zero blocks at the end. Long names go into pax or GNU headers; xattrs always into pax. */
export function makeTar(entries: readonly TarEntry[], format: 'pax' | 'gnu' = 'pax'): Buffer {
  const parts: Buffer[] = [];
  for (const entry of entries) {
    const type = entry.type ?? 'file';
    const content = type === 'file' ? Buffer.from(entry.content ?? '') : Buffer.alloc(0);
    parts.push(...(format === 'gnu' && entry.xattrs === undefined ? gnuHeader(entry) : paxHeader(entry)));
    parts.push(
      header(TYPE_FLAGS[type], entry.name, entry.linkname ?? '', content.length, entry),
      content,
      padding(content.length),
    );
  }
  parts.push(Buffer.alloc(2 * BLOCK));
  return Buffer.concat(parts);
}
