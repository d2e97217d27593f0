import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import koffi from 'koffi';
import { createEngine } from './engine.ts';
import { listen } from './listen.ts';
import { checkRequirements } from './requirements.ts';
import type { EngineConfig } from './services/config.ts';
import { stderrLog } from './system/log.ts';

/**
 * For an engine that is loaded before it may begin: it tells that it is (`loaded` in the directory) and waits (`begin.engine`, which gives
 * what its environment has in addition). Where the process is kept in memory at that point, to go on from there any number of times, it has
 * run once before on directories that go again, so that all its code is there (`rehearse`). What an engine draws by chance must not be the
 * same each time.
 */
export async function untilBegun(directory: string, config: EngineConfig): Promise<void> {
  const drawAnew = randomPoll();
  if (existsSync(join(directory, 'rehearse'))) await rehearse(config);
  await writeFile(join(directory, 'loaded'), 'loaded\n');
  Object.assign(process.env, parseEnvironment(await readFile(join(directory, 'begin.engine'), 'utf8')));
  drawAnew();
}

/** `NAME='value'` a line, quoted for a POSIX shell. */
export function parseEnvironment(text: string): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/^(\w+)='((?:[^']|'\\'')*)'$/gm))
    result[name] = value.replaceAll("'\\''", "'");
  return result;
}

/** A rehearsal that fails costs only the time that it would have saved. */
async function rehearse(config: EngineConfig): Promise<void> {
  const directory = await mkdtemp('/tmp/rehearsal-');
  try {
    const { programs } = await checkRequirements(config.runtime);
    if (!programs) return;
    const at = (name: string) => join(directory, name);
    const place = { socket: at('socket'), root: at('root'), runDir: at('run') };
    const engine = await createEngine({ ...config, ...place }, programs);
    await listen(engine.server, place.socket);
    await ask(place.socket, '/_ping');
    await engine.close();
  } catch (error) {
    stderrLog.error('the rehearsal', error);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const ask = (socketPath: string, path: string): Promise<void> =>
  new Promise((done, fail) => {
    const asked = request({ socketPath, path, agent: false }, (response) => {
      response.resume();
      response.once('end', done);
    });
    asked.once('error', fail);
    asked.end();
  });

/** What OpenSSL drew at the start of this process would be drawn again by each that goes on from here: RAND_poll(3) asks the kernel anew. */
function randomPoll(): () => void {
  const poll = koffi.load(null).func('int RAND_poll()') as () => number;
  return () => {
    if (poll() !== 1) throw new Error('OpenSSL cannot draw random numbers anew (RAND_poll)');
  };
}
