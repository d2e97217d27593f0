import { invalid } from '../../api/errors.ts';

/** Memory of its own: a slice of Node's pool, kept for as long as a session, keeps all of the pool. */
const bytesOf = (values: readonly number[]): Buffer => Buffer.from(Uint8Array.from(values).buffer);

/** "ctrl-p,ctrl-q" → bytes (moby `term.ToBytes`). dockerd calls them "detach keys" for attach, "escape keys" for exec. */
export function parseDetachKeys(text: string | null | undefined, said: 'detach' | 'escape' = 'escape'): Buffer {
  if (!text) return bytesOf([16, 17]);
  const bytes = text.split(',').map((key) => {
    const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key);
    if (control) return (control[1] as string).toUpperCase().charCodeAt(0) & 0x1f;
    if (key.length === 1) return key.charCodeAt(0);
    if (key === 'DEL') return 127;
    throw invalid(`Invalid ${said} keys (${text}) provided`);
  });
  return bytesOf(bytes);
}

/**
 * Finds the keys in what is typed. Keys that began but did not end the sequence are given on late; `feed` gives what goes to the
 * process, and undefined once the whole sequence was typed.
 */
export class DetachFilter {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  feed(chunk: Buffer): { data: Buffer; detached: boolean } {
    const out: number[] = [];
    for (const byte of chunk) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched += 1;
        if (this.#matched === this.#keys.length) return { data: Buffer.from(out), detached: true };
        continue;
      }
      for (let index = 0; index < this.#matched; index += 1) out.push(this.#keys[index] as number);
      this.#matched = 0;
      if (byte === this.#keys[0]) this.#matched = 1;
      else out.push(byte);
    }
    return { data: Buffer.from(out), detached: false };
  }
}
