import { open, type FileHandle } from 'node:fs/promises';
import type { ConsoleUpdate } from '../contract/machine.ts';
import { pause } from './signals.ts';

/** Milliseconds between two looks at the file; lines sent together at most; bytes read at once. */
const LOOK = 200;
const BATCH = 2_000;
const PIECE = 64 * 1024;

/**
 * A text file's lines, then those that are added, until `signal`. A file that is replaced or cut begins anew; one that is not there yet
 * is waited for. The last line is sent when it is whole.
 */
export async function* followFile(path: string, signal: AbortSignal): AsyncGenerator<ConsoleUpdate> {
  let file: FileHandle | undefined;
  let inode = -1;
  let offset = 0;
  let rest = '';
  let caughtUp = false;
  const buffer = Buffer.alloc(PIECE);
  try {
    while (!signal.aborted) {
      const now = await open(path, 'r').catch(() => undefined);
      const info = await now?.stat();
      if (now && info && (info.ino !== inode || info.size < offset)) {
        await file?.close();
        [file, inode, offset, rest] = [now, info.ino, 0, ''];
        yield { kind: 'begin' };
      } else await now?.close();
      let length = 0;
      while (file && (length = (await file.read(buffer, 0, PIECE, offset)).bytesRead) > 0) {
        offset += length;
        const lines = (rest + buffer.toString('latin1', 0, length)).split('\n');
        rest = lines.pop() ?? '';
        for (let at = 0; at < lines.length; at += BATCH)
          yield { kind: 'lines', lines: lines.slice(at, at + BATCH).map((line) => line.replace(/\r+$/, '')) };
        if (signal.aborted) return;
      }
      if (!caughtUp) {
        caughtUp = true;
        yield { kind: 'caughtUp' };
      }
      await pause(LOOK, signal);
    }
  } finally {
    await file?.close();
  }
}
