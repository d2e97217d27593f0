import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { invalid, notImplemented } from '../../api/errors.ts';
import { createDecompressor } from '../../images/unpack/decompress.ts';

/** Programs for what Node cannot decompress, by the first bytes. */
const PROGRAMS: readonly { magic: Buffer; program: string }[] = [
  { magic: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]), program: 'xz' },
  { magic: Buffer.from('BZh'), program: 'bzip2' },
];
const LONGEST = 6;

/**
 * The plain content of what is compressed by gzip, zstd, bzip2 or xz, or not at all: the first bytes say which. Throws
 * `invalid-parameter` when the compressed data is damaged, `not-implemented` when its program is not installed.
 */
export async function* inflate(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const source = input[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < LONGEST) {
    const next = await source.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  const rest = chained(head, source);
  const found = PROGRAMS.find(({ magic }) => head.subarray(0, magic.length).equals(magic));
  yield* found ? throughProgram(found.program, rest) : throughNode(rest);
}

async function* chained(head: Buffer, source: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  for (let next = await source.next(); !next.done; next = await source.next()) yield next.value;
}

async function* throughNode(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let ready: Buffer[] = [];
  const plain = createDecompressor((chunk) => ready.push(chunk));
  const take = () => {
    const taken = ready;
    ready = [];
    return taken;
  };
  try {
    for await (const chunk of input) {
      await plain.write(chunk).catch(damaged);
      yield* take();
    }
    await plain.end().catch(damaged);
    yield* take();
  } finally {
    plain.destroy();
  }
}

function damaged(error: unknown): never {
  throw invalid(`cannot decompress the archive: ${error instanceof Error ? error.message : String(error)}`, error);
}

async function* throughProgram(program: string, input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const child = spawn(program, ['-d', '-c', '-q'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = once(child, 'exit') as Promise<[code: number | null]>;
  exited.catch(() => undefined);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8', 0, 500)));
  const source = Readable.from(input);
  let failure: unknown;
  source.on('error', (error) => {
    failure ??= error;
    child.kill('SIGKILL');
  });
  // it stops reading where the data is damaged; its exit says so
  child.stdin.on('error', () => undefined);
  source.pipe(child.stdin);
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer;
    const [code] = await exited;
    if (failure !== undefined) throw failure;
    if (code !== 0) throw invalid(`cannot decompress the archive: ${said.trim() || `${program} ended with ${code}`}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw notImplemented(`the archive is compressed with ${program}, which is not installed on the engine's machine`);
    throw error;
  } finally {
    source.destroy();
    child.kill('SIGKILL');
  }
}
