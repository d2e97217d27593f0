/**
 * Finds where Zstandard frames end (RFC 8878 §3.1), without decompressing: Node's decompressor stops after the first frame, and layers
 * made by several threads or with an index inside (zstd:chunked) have many, with skippable ones between.
 */
export interface FramePiece {
  data: Buffer;
  /** the frame ends with this piece */
  last: boolean;
}

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const DICTIONARY_SIZES = [0, 1, 2, 4] as const;
const CONTENT_SIZES = [0, 2, 4, 8] as const;
/** bit of the frame header's descriptor */
const SINGLE_SEGMENT = 0x20;
const CHECKSUM = 0x04;

export const isZstd = (magic: number) => magic === MAGIC || isSkippable(magic);
const isSkippable = (magic: number) => (magic & 0xfffffff0) >>> 0 === SKIPPABLE;

type State = 'magic' | 'skip-size' | 'skip' | 'descriptor' | 'header' | 'block-header' | 'block' | 'checksum';

export class ZstdFrames {
  #state: State = 'magic';
  /** bytes the state still wants */
  #left = 4;
  /** little-endian value of a fixed field as far as it was read */
  #value = 0;
  #read = 0;
  #descriptor = 0;
  #lastBlock = false;
  /** the beginning of a magic number that was cut in two: it may be a skippable frame's */
  #held: Buffer = Buffer.alloc(0);

  /** True between two frames: where the blob may end. */
  get atEnd(): boolean {
    return this.#state === 'magic' && this.#held.length === 0;
  }

  /** The pieces of frames that are in `chunk`; skippable frames are left out. Throws for what is not Zstandard. */
  *split(input: Buffer): Generator<FramePiece> {
    const chunk = this.#held.length === 0 ? input : Buffer.concat([this.#held, input]);
    if (this.#held.length > 0) this.#go('magic', 4);
    this.#held = Buffer.alloc(0);
    let start = 0;
    for (let at = 0; at < chunk.length;) {
      const take = Math.min(this.#left, chunk.length - at);
      const fixed =
        this.#state !== 'block' && this.#state !== 'skip' && this.#state !== 'header' && this.#state !== 'checksum';
      if (fixed)
        for (let index = 0; index < take; index += 1)
          this.#value += (chunk[at + index] as number) * 2 ** (8 * this.#read++);
      at += take;
      this.#left -= take;
      while (this.#left === 0) {
        const before = this.#state;
        this.#advance();
        if (this.#state !== 'magic') continue;
        if (before !== 'skip' && before !== 'skip-size') yield { data: chunk.subarray(start, at), last: true };
        start = at;
      }
    }
    if (this.#state === 'magic') this.#held = Buffer.from(chunk.subarray(start));
    else if (this.#state !== 'skip-size' && this.#state !== 'skip' && start < chunk.length)
      yield { data: chunk.subarray(start), last: false };
  }

  #go(state: State, size: number): void {
    this.#state = state;
    this.#left = size;
    this.#value = 0;
    this.#read = 0;
  }

  #advance(): void {
    const value = this.#value;
    switch (this.#state) {
      case 'magic':
        if (isSkippable(value)) return this.#go('skip-size', 4);
        if (value !== MAGIC) throw new Error('invalid input: magic number mismatch');
        return this.#go('descriptor', 1);
      case 'skip-size':
        return value === 0 ? this.#go('magic', 4) : this.#go('skip', value);
      case 'descriptor': {
        this.#descriptor = value;
        const single = (value & SINGLE_SEGMENT) !== 0;
        const content = value >> 6 === 0 && single ? 1 : (CONTENT_SIZES[value >> 6] as number);
        const size = (single ? 0 : 1) + (DICTIONARY_SIZES[value & 3] as number) + content;
        return size === 0 ? this.#go('block-header', 3) : this.#go('header', size);
      }
      case 'header':
        return this.#go('block-header', 3);
      case 'block-header': {
        this.#lastBlock = (value & 1) === 1;
        // a run-length block has one byte, whatever it stands for
        const size = ((value >> 1) & 3) === 1 ? 1 : value >> 3;
        if (size > 0) return this.#go('block', size);
        return this.#afterBlock();
      }
      case 'block':
        return this.#afterBlock();
      case 'skip':
      case 'checksum':
        return this.#go('magic', 4);
    }
  }

  #afterBlock(): void {
    if (!this.#lastBlock) this.#go('block-header', 3);
    else if ((this.#descriptor & CHECKSUM) !== 0) this.#go('checksum', 4);
    else this.#go('magic', 4);
  }
}
