import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type DockerFixture } from '../../docker-cli-fixture.ts';
import { holdings, rememberContainers } from '../leftovers.ts';
import type { Operation } from './operation.ts';
import { operationsOn } from './operations.ts';
import type { StepControl } from './control.ts';
import { stepFixture } from './fixture.ts';

/** Every step when asked; else one of so many, another one each day: a step takes a second or two. */
const STRIDE = process.env['BERTH_EVERY_STEP'] ? 1 : 5;
const FIRST = process.env['BERTH_EVERY_STEP'] ? 1 : 1 + (Math.floor(Date.now() / 86_400_000) % STRIDE);
const TIMEOUT = process.env['BERTH_EVERY_STEP'] ? 600_000 : 120_000;

interface Cycle {
  fixture: DockerFixture;
  steps: StepControl;
  operation: Operation;
}

/** Nothing of what is there now is more than `before`, which may take a moment. */
const nothingMore = (fixture: DockerFixture, before: readonly string[], ignored = /^$/) =>
  eventually(
    async () => Promise.resolve(more(holdings(fixture.engine), before).filter((line) => !ignored.test(line))),
    (lines) => lines.length === 0,
    'an engine without leftovers',
    Number(process.env['BERTH_LEFT_AFTER'] ?? 5000),
  );

/** Lines as often as they are there more. */
function more(now: readonly string[], before: readonly string[]): string[] {
  const left = [...before];
  return now.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** Gives whether the operation came as far as this step. */
async function killedAt(step: number, { fixture, steps, operation }: Cycle): Promise<boolean> {
  const { engine } = fixture;
  const before = holdings(engine);
  await operation.prepare?.();
  steps.arm(step);
  const told = (await operation.act()).code === 0;
  rememberContainers(engine);
  steps.disarm();
  // A step may come after the client was told, and before that: then the engine does not answer.
  const killed = steps.trace().length >= step || (await fixture.docker(['version'])).code !== 0;
  if (killed) {
    // the word of the client first: the process is gone
    await engine.kill();
    await engine.start();
  }
  try {
    await operation.check(told);
    await operation.clean();
    await nothingMore(fixture, before);
  } catch (error) {
    const at = `killed before step ${step}: ${steps.trace().at(-1)?.trim()}`;
    throw new Error(`${operation.name}, ${at} (client ${told ? '' : 'not '}told of success)\n${tail(engine.log())}`, {
      cause: error,
    });
  }
  return killed;
}

const tail = (text: string) => text.slice(-1500);

/** What could not be removed goes at the next start, and so may exits; what a container has written stays its own. */
const IGNORED = new RegExp(
  [
    /^file \/run\/(trash|exits\/|netns\/stand-in|networks\/names\/|containers\/\*\/exec$)/,
    /^file \/root\/containers\/\*\/(container.log|overlay\/(work\/work|upper\/))/,
    /^file \/root\/volumes\/\.gone-/,
    // the next pull goes on from there
    /^file \/root\/images\/ingest/,
    // waits to answer names when the engine does not
    /^process \/bin\/sh$/,
  ]
    .map(({ source }) => source)
    .join('|'),
);

async function failedAt(step: number, { fixture, steps, operation }: Cycle): Promise<boolean> {
  const { engine } = fixture;
  const before = holdings(engine);
  await operation.prepare?.();
  const prepared = holdings(engine);
  const logged = engine.log().length;
  steps.arm(step, 'EIO');
  const told = (await operation.act()).code === 0;
  rememberContainers(engine);
  steps.disarm();
  try {
    if (!told) await nothingMore(fixture, prepared, IGNORED);
    await operation.check(told);
    await operation.clean();
    // what could not be taken away now, the next engine takes away
    await nothingMore(fixture, before, IGNORED).catch(async () => {
      await engine.terminate();
      await engine.start();
      await nothingMore(fixture, before, IGNORED);
    });
  } catch (error) {
    const at = `step ${step} failed: ${steps.trace()[step - 1]?.trim()}`;
    const log = engine.log().slice(logged);
    throw new Error(`${at} (client ${told ? '' : 'not '}told of success)\n  ${log.slice(0, log.indexOf('\n'))}`, {
      cause: error,
    });
  }
  return steps.trace().length >= step;
}

const reason = (error: unknown): string =>
  error instanceof Error ? [error.message, ...(error.cause ? [reason(error.cause)] : [])].join('\n  ') : String(error);

function describeEachStep(
  title: string,
  names: readonly string[],
  at: (step: number, cycle: Cycle) => Promise<boolean>,
  after?: (fixture: DockerFixture) => Promise<void>,
): void {
  describe(title, () => {
    let ground: Awaited<ReturnType<typeof stepFixture>>;
    beforeAll(async () => {
      ground = await stepFixture();
    }, 60_000);
    afterAll(() => ground?.close());

    it.each(names)(
      '%s',
      async (name) => {
        const { fixture, steps } = ground;
        const operation = operationsOn(fixture).get(name) as Operation;
        const cycle = { fixture, steps, operation };
        // once as it should be: what stays after the first time is no leftover
        await operation.prepare?.();
        await operation.act();
        await operation.check(true);
        await operation.clean();
        const before = holdings(fixture.engine);
        const failures: unknown[] = [];
        let step = FIRST;
        const last = operation.steps ?? Infinity;
        for (let reached = true; reached && step <= last && failures.length < 10; step += STRIDE)
          reached = await at(step, cycle).catch(async (error: unknown) => {
            failures.push(error);
            await fixture.engine.kill();
            await fixture.engine.start();
            await operation.clean();
            return true;
          });
        if (failures.length > 0) throw new Error(failures.map(reason).join('\n\n'));
        expect(step).toBeGreaterThan(FIRST + STRIDE);
        await after?.(fixture);
        await nothingMore(fixture, before);
      },
      TIMEOUT,
    );
  });
}

/** SIGKILL before each step: nothing told is lost, nothing is leaked, it can be done again. */
export const describeKilled = (names: readonly string[]): void =>
  describeEachStep('an engine killed before any step loses and leaks nothing:', names, killedAt);

/** Each step fails once: what was done is undone, and it can be done again. */
export const describeFailing = (names: readonly string[]): void =>
  describeEachStep('an engine in which any step fails takes back what it did:', names, failedAt, async (fixture) => {
    await fixture.engine.terminate();
    await fixture.engine.start();
  });
