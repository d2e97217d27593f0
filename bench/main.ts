import { readFile, rmdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import {
  bigImage,
  busyboxImage,
  debianTar,
  makeImage,
  makeTar,
  pushImage,
  startRegistry,
} from '../agent/testing/index.ts';
import { exec } from '../agent/system/exec.ts';
import { CASES } from './cases/index.ts';
import { removeContainers, type BenchImages, type Case } from './cases/types.ts';
import { RECIPES, startEngine, type Engine } from './engines.ts';
import { enterNamespaces, isInside } from './namespaces.ts';
import { parseOptions, USAGE, UsageError, type BenchOptions } from './options.ts';
import { aims, median, table, type CaseResult } from './statistics.ts';

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options.help) return say(USAGE);
  if (options.list) return say(CASES.map(({ name, what }) => `${name.padEnd(12)} ${what}`).join('\n'));
  const unknown = options.cases.find((name) => !CASES.some((item) => item.name === name));
  if (unknown !== undefined) throw new UsageError(`--cases: there is no case ${unknown} (see --list)`);
  const stranger = options.engines.find((name) => !(name in RECIPES));
  if (stranger !== undefined) throw new UsageError(`--engines: berth, dockerd or podman, not ${stranger}`);
  if (!isInside()) return enterNamespaces(args);
  return measureAll(options);
}

function say(text: string): number {
  console.log(text);
  return 0;
}

async function measureAll(options: BenchOptions): Promise<number> {
  const groupsBefore = await groups();
  const registry = await startRegistry();
  const engines: Engine[] = [];
  const results: CaseResult[] = [];
  try {
    const images: BenchImages = {
      small: await pushImage(registry.host, 'bench/small', '1', busyboxImage()),
      big: onceEach(async (seed) => {
        const image = bigImage({ layerSize: 40 << 20, seed });
        return pushImage(registry.host, 'bench/big', String(seed), image);
      }),
      debian: onceEach(async (number) => {
        // one entry more than the others have, and so another layer
        const mark = makeTar([{ name: `opt/round-${number}`, content: '' }]).subarray(0, 512);
        const image = makeImage([Buffer.concat([mark, await readFile(await debianTar())])]);
        return pushImage(registry.host, 'bench/debian', String(number), image);
      }),
    };
    for (const name of options.engines) {
      const program = RECIPES[name]?.find();
      if (program === undefined) console.error(`${name}: not installed, left out`);
      else
        await startEngine(name, program, registry.host).then(
          (engine) => engines.push(engine),
          (error: Error) => console.error(error.message),
        );
    }
    if (engines.length === 0) throw new UsageError('none of the engines runs here');
    for (const engine of engines) await engine.client.docker('pull', '-q', images.small);
    for (const item of CASES) {
      if (options.cases.length > 0 && !options.cases.includes(item.name)) continue;
      results.push(await measure(item, engines, images, options.reps));
    }
  } finally {
    for (const engine of engines) {
      await removeContainers(engine).catch((error: unknown) => console.error(`${engine.name}: ${String(error)}`));
      await engine.stop();
    }
    await registry.stop();
    await removeGroups(groupsBefore);
  }
  await report(results, engines, options);
  return results.some((result) => Object.values(result.engines).some((value) => 'error' in value)) ? 1 : 0;
}

/** Made when first asked for. */
function onceEach(make: (number: number) => Promise<string>): (number: number) => Promise<string> {
  const made = new Map<number, Promise<string>>();
  return (number) => {
    const image = made.get(number) ?? make(number);
    made.set(number, image);
    return image;
  };
}

/** The engines in turn within each repetition, so that what else the machine does hits all alike. The first round is not counted. */
async function measure(item: Case, engines: readonly Engine[], images: BenchImages, reps: number): Promise<CaseResult> {
  const result: CaseResult = { case: item.name, unit: item.unit, engines: {} };
  const attempt = async (engine: Engine, step: string, run: () => Promise<unknown>) => {
    if (result.engines[engine.name] && 'error' in (result.engines[engine.name] as object)) return;
    try {
      await run();
    } catch (error) {
      result.engines[engine.name] = { error: (error as Error).message };
      console.error(`${item.name}, ${engine.name}, ${step}: ${(error as Error).message}`);
    }
  };
  const samples = new Map(engines.map((engine) => [engine.name, [] as number[]]));
  for (const engine of engines) await attempt(engine, 'prepare', async () => item.prepare?.(engine, images));
  const rounds = Math.max(1, Math.round(reps * item.share));
  for (let round = 0; round <= rounds; round++)
    for (const engine of engines)
      await attempt(engine, `round ${round}`, async () => {
        const value = await item.once(engine, images);
        if (round > 0) samples.get(engine.name)?.push(value);
      });
  for (const engine of engines) {
    const values = samples.get(engine.name) ?? [];
    result.engines[engine.name] ??= { samples: values, median: median(values) };
    await (item.finish?.(engine, images) ?? Promise.resolve()).catch((error: unknown) =>
      console.error(`${item.name}, ${engine.name}, finish: ${String(error)}`),
    );
  }
  process.stderr.write(
    `${table(
      [result],
      engines.map((engine) => engine.name),
    )}\n\n`,
  );
  return result;
}

async function report(
  results: readonly CaseResult[],
  engines: readonly Engine[],
  options: BenchOptions,
): Promise<void> {
  const names = engines.map((engine) => engine.name);
  console.log(table(results, names));
  const judged = aims(results, Object.fromEntries(CASES.map(({ name, aim }) => [name, aim])));
  if (judged.length > 0) console.log(`\n${judged.map(({ line }) => line).join('\n')}`);
  const { stdout: kernel } = await exec(['uname', '-r']);
  const json = JSON.stringify(
    {
      date: new Date().toISOString(),
      machine: { cpu: cpus()[0]?.model ?? '', cpus: cpus().length, kernel: kernel.trim() },
      engines: Object.fromEntries(engines.map((engine) => [engine.name, engine.version])),
      results,
    },
    null,
    2,
  );
  if (options.json === '') return void console.log(json);
  await writeFile(options.json, `${json}\n`);
}

/** Control groups of these names that were not there before go: dockerd's and podman's outlive them. */
const GROUPS = ['berth-bench', 'libpod_parent'];

async function groups(): Promise<string[]> {
  const names = GROUPS.flatMap((name) => ['-path', `/sys/fs/cgroup/*${name}*`, '-o']).slice(0, -1);
  const { stdout } = await exec(['find', '/sys/fs/cgroup', '-depth', '-type', 'd', '(', ...names, ')'], {
    okCodes: [0, 1],
  });
  return stdout.split('\n').filter(Boolean);
}

async function removeGroups(before: readonly string[]): Promise<void> {
  for (const path of await groups()) if (!before.includes(path)) await rmdir(path).catch(() => undefined);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`bench: ${error.message}\n${USAGE}`);
  process.exitCode = 2;
}
