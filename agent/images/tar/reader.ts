/**
 * A tar reader that is fed pieces as they come (POSIX.1-2017 pax, ustar, and GNU's long names and base-256 numbers).
 * Names are kept as latin1 strings, one character a byte: file names on Linux are bytes, and need not be UTF-8.
 */

export type EntryType = 'file' | 'link' | 'symlink' | 'char' | 'block' | 'dir' | 'fifo';

export interface TarHeader {
  /** latin1 */
  name: string;
  type: EntryType;
  /** permission bits, setuid, setgid and sticky included */
  mode: number;
  uid: number;
  gid: number;
  size: number;
  /** seconds since the epoch, with fraction */
  mtime: number;
  /** latin1 */
  linkname: string;
  major: number;
  minor: number;
  /** values as bytes */
  xattrs: ReadonlyMap<string, Buffer>;
}

export interface TarHandler {
  entry(header: TarHeader): void;
  /** content of the entry last announced; `last` with its last piece (a file of no bytes has none) */
  content(chunk: Buffer, last: boolean): void;
}

/** The archive is not what it should be. */
export class TarError extends Error {}

const BLOCK = 512;
/** Longest pax header or long name that is read. */
const MAX_META = 1024 * 1024;
const TYPES: Record<string, EntryType> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'dir',
  '6': 'fifo',
};

function text(block: Buffer, offset: number, length: number): string {
  const end = block.indexOf(0, offset);
  return block.toString('latin1', offset, end < 0 || end > offset + length ? offset + length : end);
}

function number(block: Buffer, offset: number, length: number): number {
  const first = block[offset] as number;
  if (first & 0x80) {
    let value = BigInt(first & 0x7f);
    for (let at = offset + 1; at < offset + length; at += 1) value = (value << 8n) | BigInt(block[at] as number);
    if (first & 0x40) value -= 1n << BigInt(length * 8 - 1);
    return safe(Number(value));
  }
  const digits = text(block, offset, length).trim();
  if (digits === '') return 0;
  if (!/^[0-7]+$/.test(digits)) throw new TarError('archive/tar: invalid tar header');
  return safe(parseInt(digits, 8));
}

function safe(value: number): number {
  if (!Number.isSafeInteger(value)) throw new TarError('archive/tar: invalid tar header');
  return value;
}

function checkSum(block: Buffer): void {
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < BLOCK; at += 1) {
    const byte = at >= 148 && at < 156 ? 0x20 : (block[at] as number);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const stored = number(block, 148, 8);
  if (stored !== unsigned && stored !== signed) throw new TarError('archive/tar: invalid tar header');
}

/** "LENGTH KEY=VALUE\n" records; LENGTH counts all of it. */
function parsePax(body: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < body.length;) {
    if (body[at] === 0) break;
    const space = body.indexOf(0x20, at);
    const length = space < 0 ? NaN : Number(body.toString('latin1', at, space));
    const end = at + length;
    if (!Number.isInteger(length) || length < 5 || end > body.length || body[end - 1] !== 0x0a)
      throw new TarError('archive/tar: invalid tar header');
    const equals = body.indexOf(0x3d, space);
    if (equals < 0 || equals >= end) throw new TarError('archive/tar: invalid tar header');
    records.set(body.toString('utf8', space + 1, equals), Buffer.from(body.subarray(equals + 1, end - 1)));
    at = end;
  }
  return records;
}

const XATTR = 'SCHILY.xattr.';

export class TarReader {
  readonly #handler: TarHandler;
  /** a header block, or a pax body, not yet whole */
  #partial: Buffer[] = [];
  #partialSize = 0;
  #wanted = BLOCK;
  #state: 'header' | 'meta' | 'content' | 'padding' | 'end' = 'header';
  #metaType = '';
  #metaSize = 0;
  #left = 0;
  #paddingAfter = 0;
  #zeroBlocks = 0;
  #pax = new Map<string, Buffer>();
  #longName: string | undefined;
  #longLink: string | undefined;

  constructor(handler: TarHandler) {
    this.#handler = handler;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#state === 'end') return;
      if (this.#state === 'content' || this.#state === 'padding') {
        const take = Math.min(this.#left, chunk.length - at);
        this.#left -= take;
        if (this.#state === 'content') this.#handler.content(chunk.subarray(at, at + take), this.#left === 0);
        at += take;
        if (this.#left === 0) this.#afterPart();
        continue;
      }
      const take = Math.min(this.#wanted - this.#partialSize, chunk.length - at);
      const piece = chunk.subarray(at, at + take);
      at += take;
      if (take < this.#wanted) {
        this.#partial.push(Buffer.from(piece));
        this.#partialSize += take;
        if (this.#partialSize < this.#wanted) return;
      }
      const block = take === this.#wanted ? piece : Buffer.concat(this.#partial);
      this.#partial = [];
      this.#partialSize = 0;
      if (this.#state === 'header') this.#header(block);
      else this.#meta(block);
    }
  }

  /** To be called after the last piece: throws when the archive stopped in the middle of something. */
  end(): void {
    const whole = this.#state === 'end' || (this.#state === 'header' && this.#partialSize === 0);
    if (!whole) throw new TarError('unexpected EOF');
  }

  #afterPart(): void {
    if (this.#state === 'content' && this.#paddingAfter > 0) {
      this.#state = 'padding';
      this.#left = this.#paddingAfter;
      return;
    }
    this.#state = 'header';
    this.#wanted = BLOCK;
  }

  #header(block: Buffer): void {
    if (block[0] === 0 && block.every((byte) => byte === 0)) {
      this.#zeroBlocks += 1;
      if (this.#zeroBlocks === 2) this.#state = 'end';
      return;
    }
    this.#zeroBlocks = 0;
    checkSum(block);
    const flag = String.fromCharCode(block[156] as number);
    if (flag === 'x' || flag === 'g' || flag === 'L' || flag === 'K') {
      const size = number(block, 124, 12);
      if (size > MAX_META || size < 0) throw new TarError('archive/tar: header too long');
      this.#metaType = flag;
      this.#metaSize = size;
      this.#wanted = size + ((BLOCK - (size % BLOCK)) % BLOCK);
      if (this.#wanted === 0) this.#wanted = BLOCK;
      else this.#state = 'meta';
      return;
    }
    this.#entry(block, flag);
  }

  #meta(block: Buffer): void {
    const body = block.subarray(0, this.#metaSize);
    if (this.#metaType === 'x') this.#pax = parsePax(body);
    else if (this.#metaType === 'L') this.#longName = text(body, 0, body.length);
    else if (this.#metaType === 'K') this.#longLink = text(body, 0, body.length);
    // 'g' (git archive's comment): ignored, as Docker does
    this.#state = 'header';
    this.#wanted = BLOCK;
  }

  #entry(block: Buffer, flag: string): void {
    const pax = this.#pax;
    const type = TYPES[flag];
    if (flag === 'S' || [...pax.keys()].some((key) => key.startsWith('GNU.sparse.')))
      throw new TarError('sparse files in archives are not supported');
    if (type === undefined) throw new TarError(`unhandled tar header type ${block[156]}`);
    const paxText = (key: string) => pax.get(key)?.toString('latin1');
    const paxNumber = (key: string, fallback: number) => {
      const value = paxText(key);
      if (value === undefined) return fallback;
      if (!/^-?\d+(\.\d*)?$/.test(value)) throw new TarError('archive/tar: invalid tar header');
      return Number(value);
    };
    const isUstar = block.toString('latin1', 257, 263) === 'ustar\0';
    const prefix = isUstar ? text(block, 345, 155) : '';
    const short = text(block, 0, 100);
    const name = paxText('path') ?? this.#longName ?? (prefix ? `${prefix}/${short}` : short);
    const size = safe(paxNumber('size', number(block, 124, 12)));
    const xattrs = new Map<string, Buffer>();
    for (const [key, value] of pax) if (key.startsWith(XATTR)) xattrs.set(key.slice(XATTR.length), value);
    const hasContent = type === 'file' && !(flag === '\0' && name.endsWith('/'));
    if (size < 0) throw new TarError('archive/tar: invalid tar header');
    this.#left = hasContent ? size : 0;
    this.#paddingAfter = (BLOCK - (this.#left % BLOCK)) % BLOCK;
    const header: TarHeader = {
      name,
      type: type === 'file' && !hasContent ? 'dir' : type,
      mode: number(block, 100, 8) & 0o7777,
      uid: safe(paxNumber('uid', number(block, 108, 8))),
      gid: safe(paxNumber('gid', number(block, 116, 8))),
      size: this.#left,
      mtime: paxNumber('mtime', number(block, 136, 12)),
      linkname: paxText('linkpath') ?? this.#longLink ?? text(block, 157, 100),
      major: type === 'char' || type === 'block' ? number(block, 329, 8) : 0,
      minor: type === 'char' || type === 'block' ? number(block, 337, 8) : 0,
      xattrs,
    };
    this.#pax = new Map();
    this.#longName = undefined;
    this.#longLink = undefined;
    this.#state = this.#left > 0 ? 'content' : 'header';
    this.#wanted = BLOCK;
    this.#handler.entry(header);
  }
}
