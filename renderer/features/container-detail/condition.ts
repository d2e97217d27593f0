import type { ContainerInspect, ContainerRow } from '../../../electron/contract/model.ts';
import { formatBytes } from '../../ui/format.ts';
import { exitMeaning, isFailure } from '../containers/exit.ts';

/** Something about a container that its user should know without looking for it. */
export interface Condition {
  tone: 'danger' | 'warning';
  text: string;
  /** what the program or the check wrote about it */
  output?: string;
}

/** Why it stopped, keeps restarting, or is not healthy; undefined when nothing is amiss. */
export function conditionOf(
  row: ContainerRow,
  { State, HostConfig, RestartCount }: ContainerInspect,
): Condition | undefined {
  if (row.state === 'restarting') return restarting(State.ExitCode, RestartCount);
  if (row.state === 'exited' || row.state === 'dead') {
    if (State.OOMKilled) return { tone: 'danger', text: outOfMemory(HostConfig.Memory) };
    if (State.Error) return { tone: 'danger', text: 'It was not started', output: State.Error };
    if (!isFailure(State.ExitCode)) return undefined;
    const meaning = exitMeaning(State.ExitCode);
    return { tone: 'danger', text: `It ended with exit code ${State.ExitCode}${meaning && `: ${meaning}`}.` };
  }
  if (row.state === 'created' && State.Error)
    return { tone: 'danger', text: 'It was not started', output: State.Error };
  if (row.state === 'running' && State.Health?.Status === 'unhealthy') {
    const { FailingStreak: streak, Log } = State.Health;
    const output = Log?.at(-1)?.Output.trim();
    return {
      tone: 'warning',
      text: `It is not healthy: ${streak === 1 ? 'its last check' : `its last ${streak} checks`} failed.`,
      ...(output ? { output } : {}),
    };
  }
  if (row.state === 'running' && RestartCount > 0) {
    const times = RestartCount === 1 ? 'once' : `${RestartCount} times`;
    return { tone: 'warning', text: `It has ended and was restarted ${times} by its restart policy.` };
  }
  return undefined;
}

function restarting(code: number, count: number): Condition {
  const meaning = exitMeaning(code);
  const times = count > 0 ? ` Restarted ${count === 1 ? 'once' : `${count} times`} so far.` : '';
  return {
    tone: 'warning',
    text: `It ends with exit code ${code}${meaning && ` (${meaning})`} and is started again.${times}`,
  };
}

function outOfMemory(limit: number | undefined): string {
  const most = limit && limit > 0 ? `than its limit of ${formatBytes(limit, 1024)}` : 'than there is';
  return `It was killed: it used more memory ${most}.`;
}
