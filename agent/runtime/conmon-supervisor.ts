import { join } from 'node:path';
import type { Layout } from '../store/layout.ts';
import { throwAway } from '../store/remove-later.ts';
import { exec, ExecError } from '../system/exec.ts';
import { readFile, writeFile } from '../system/small-files.ts';
import { connectAttachSocket } from './attach-socket.ts';
import { startConmon, type ConmonRun } from './conmon.ts';
import { REOPEN_LOGS, windowSize, writeFifo } from './control-fifo.ts';
import { execWithPipes } from './exec-pipes.ts';
import { createFailure, execFailure, lastLoggedError } from './failures.ts';
import { passExecFifo } from './exec-fifo.ts';
import { giveStdio, repairNullDevice } from './null-device.ts';
import { startTimeOf } from './process-identity.ts';
import { killTree } from './process-tree.ts';
import type { RuntimeProgram } from './programs.ts';
import { SeccompFilters } from './seccomp-filters.ts';
import type { CreatedProcess, ExecRequest, RunningExec, SupervisedContainer, Supervisor } from './supervisor.ts';

export interface ConmonSupervisorOptions {
  conmon: string;
  runtime: RuntimeProgram;
  layout: Layout;
  /** milliseconds a runtime may take to make a container; default 120 000 */
  createTimeout?: number;
  /** milliseconds a runtime may take to begin an exec with a terminal; default 30 000 */
  execTimeout?: number;
}

const CREATE_TIMEOUT = 120_000;
const EXEC_TIMEOUT = 30_000;

/** conmon over crun or runc. */
export function createConmonSupervisor({
  conmon,
  runtime,
  layout,
  createTimeout = CREATE_TIMEOUT,
  execTimeout = EXEC_TIMEOUT,
}: ConmonSupervisorOptions): Supervisor {
  const base = { conmon, runtime: runtime.path, runtimeRoot: layout.runtimeState, exitDir: layout.exits };
  const filters = runtime.name === 'crun' ? new SeccompFilters(layout.runtimeState) : undefined;
  return {
    adapt: (id, spec) => filters?.apply(id, spec) ?? spec,
    create: async (container) => {
      let made: CreatedProcess | undefined;
      try {
        made = await create(
          { ...base, name: container.name },
          { name: runtime.name, timeout: createTimeout },
          container,
        );
        return made;
      } finally {
        void filters?.learn(container.id, made !== undefined);
      }
    },
    start: async (id) => {
      if (runtime.name === 'crun' && passExecFifo(layout.runtimeState, id)) return;
      try {
        await exec([runtime.path, '--root', layout.runtimeState, 'start', id]);
      } catch (error) {
        throw createFailure(runtime.name, saidBy(error), '', error);
      }
    },
    discard: async (id) =>
      throwAway(join(layout.runtimeState, id), layout.trash, (error) =>
        process.emitWarning(`state of container ${id} stays in ${layout.trash}: ${String(error)}`),
      ),
    attach: connectAttachSocket,
    resize: (bundle, height, width) => writeFifo(bundle, 'winsz', windowSize(height, width)),
    reopenLog: (bundle) => writeFifo(bundle, 'ctl', REOPEN_LOGS),
    exec: (request) =>
      request.tty
        ? execWithTty(base, { name: runtime.name, timeout: execTimeout }, request)
        : execWithPipes(runtime.path, layout.runtimeState, request),
  };
}

type Base = { conmon: string; runtime: string; runtimeRoot: string; exitDir: string };

function saidBy(error: unknown): string {
  if (!(error instanceof ExecError)) return error instanceof Error ? error.message : String(error);
  return lastLoggedError(error.stderr) ?? error.message;
}

async function create(
  base: Base & { name: string },
  runtime: { name: string; timeout: number },
  container: SupervisedContainer,
): Promise<CreatedProcess> {
  const run = startConmon({ ...base, ...container });
  try {
    const answer = await within(runtime.timeout, run.messages.next());
    if (answer === LATE) {
      await killTree(await monitorOf(container.bundle));
      throw createFailure(
        runtime.name,
        `${runtime.name} create did not end within ${runtime.timeout / 1000} s and was ended`,
        await argv0Of(container.bundle),
      );
    }
    const pid = answer.done ? -1 : answer.value.data;
    if (pid <= 0)
      throw createFailure(runtime.name, await complaintOf(run, answer.value?.message), await argv0Of(container.bundle));
    await run.detached;
    if (container.owner) await giveStdio(pid, container.owner);
    return { pid, startTime: startTimeOf(pid) ?? 0, monitorPid: await monitorOf(container.bundle) };
  } finally {
    repairNullDevice();
    run.release();
  }
}

const monitorOf = async (bundle: string): Promise<number> =>
  Number(await readFile(join(bundle, 'conmon.pid'), 'utf8').catch(() => '0'));

const LATE = Symbol('late');

async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | typeof LATE> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((done) => (timer = setTimeout(() => done(LATE), milliseconds)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function complaintOf(run: ConmonRun, message: string | undefined): Promise<string> {
  await run.detached;
  return (await run.complaint()) || message?.trim() || 'the runtime failed and gave no reason';
}

async function argv0Of(bundle: string): Promise<string> {
  const spec = JSON.parse(await readFile(join(bundle, 'config.json'), 'utf8')) as { process?: { args?: string[] } };
  return spec.process?.args?.[0] ?? '';
}

/** How long after the exit code conmon may take to let go of the terminal, in milliseconds. */
const LAST_OUTPUT = 2000;

/** An exec with a terminal: conmon holds the pseudo-terminal, since Node cannot receive a file descriptor. */
async function execWithTty(
  base: Base,
  runtime: { name: string; timeout: number },
  request: ExecRequest,
): Promise<RunningExec> {
  const execProcess = join(request.directory, 'process.json');
  await writeFile(execProcess, request.process, { mode: 0o600 });
  const run = startConmon({
    ...base,
    id: request.containerId,
    name: 'exec',
    bundle: request.directory,
    tty: true,
    stdin: request.stdin,
    leaveStdinOpen: false,
    logPath: undefined,
    execProcess,
  });
  const argv0 = () => (JSON.parse(request.process) as { args: string[] }).args[0] ?? '';
  const fail = async (message: string | undefined) => execFailure(await complaintOf(run, message), argv0());
  try {
    await run.ready;
    const console = await connectAttachSocket(request.directory);
    run.go();
    const started = await within(runtime.timeout, run.messages.next());
    if (started === LATE) {
      console.close();
      await killTree(await monitorOf(request.directory));
      throw execFailure(`${runtime.name} exec did not begin within ${runtime.timeout / 1000} s and was ended`, argv0());
    }
    const pid = started.done ? -1 : started.value.data;
    if (pid <= 0) {
      console.close();
      throw await fail(started.value?.message);
    }
    let ended = false;
    const drained = new Promise<void>((done) => console.onClose(done));
    const exited = run.messages
      .next()
      // conmon tells the exit code on one way and hands over the last output on another: it ends after both.
      .then(async (answer) => {
        ended = true;
        await Promise.race([drained, new Promise((done) => setTimeout(done, LAST_OUTPUT).unref())]);
        return answer.done ? 255 : answer.value.data;
      })
      .finally(() => run.release());
    exited.catch(() => undefined);
    return {
      pid: () => Promise.resolve(pid),
      console,
      exited,
      resize: (height, width) => writeFifo(request.directory, 'winsz', windowSize(height, width)),
      kill: () => (ended ? Promise.resolve() : killTree(pid)),
    };
  } catch (error) {
    run.release();
    throw error;
  }
}
