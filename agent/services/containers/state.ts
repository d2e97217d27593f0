import type { ContainerState, ContainerStatus } from '../../api/container.ts';
import { conflict, EngineError } from '../../api/errors.ts';
import { ZERO_TIME } from '../../system/clock.ts';
import type { ContainerRecord } from '../container-record.ts';

export type Verb = 'start' | 'stop' | 'kill' | 'pause' | 'unpause' | 'attach' | 'exec' | 'resize' | 'remove';

/** dockerd's refusals. `undefined` in the table below means that the verb may go ahead. */
const REFUSALS = {
  same: () => new EngineError('not-modified', 'Container already in that state'),
  notRunning: ({ id }: ContainerRecord) => conflict(`container ${id} is not running`),
  notRunningKill: ({ id, name }: ContainerRecord) =>
    conflict(`cannot kill container: ${name}: container ${id} is not running`),
  notPaused: ({ id }: ContainerRecord) => conflict(`Container ${id} is not paused`),
  alreadyPaused: ({ id }: ContainerRecord) => conflict(`container ${id} is already paused`),
  restarting: ({ id }: ContainerRecord) =>
    conflict(`container ${id} is restarting, wait until the container is running`),
  startPaused: () => conflict('cannot start a paused container, try unpause instead'),
  startMarked: () => conflict('container is marked for removal and cannot be started'),
  execPaused: ({ id }: ContainerRecord) => conflict(`container ${id} is paused, unpause the container before exec`),
  attachPaused: ({ id }: ContainerRecord) => conflict(`container ${id} is paused, unpause the container before attach`),
  removeRunning: ({ name, state }: ContainerRecord) =>
    conflict(
      `cannot remove container "/${name}": container is ${state.Status}: stop the container before removing or force remove`,
    ),
  removePaused: ({ name }: ContainerRecord) =>
    conflict(`cannot remove container "/${name}": container is paused and must be unpaused first`),
  removing: ({ id }: ContainerRecord) => conflict(`removal of container ${id} is already in progress`),
} as const;
type Refusal = keyof typeof REFUSALS;

/** The state table: what each verb answers in each state. Absent: the verb is allowed. */
const TABLE: Record<Verb, Partial<Record<ContainerStatus, Refusal>>> = {
  start: { running: 'same', paused: 'startPaused', removing: 'startMarked', dead: 'startMarked' },
  stop: { created: 'same', exited: 'same', removing: 'same', dead: 'same' },
  kill: {
    created: 'notRunningKill',
    exited: 'notRunningKill',
    removing: 'notRunningKill',
    dead: 'notRunningKill',
  },
  pause: {
    created: 'notRunning',
    exited: 'notRunning',
    removing: 'notRunning',
    dead: 'notRunning',
    paused: 'alreadyPaused',
    restarting: 'restarting',
  },
  unpause: {
    created: 'notPaused',
    exited: 'notPaused',
    removing: 'notPaused',
    dead: 'notPaused',
    running: 'notPaused',
    restarting: 'notPaused',
  },
  attach: { paused: 'attachPaused', restarting: 'restarting' },
  exec: {
    created: 'notRunning',
    exited: 'notRunning',
    removing: 'notRunning',
    dead: 'notRunning',
    paused: 'execPaused',
    restarting: 'restarting',
  },
  resize: {
    created: 'notRunning',
    exited: 'notRunning',
    removing: 'notRunning',
    dead: 'notRunning',
    restarting: 'notRunning',
  },
  remove: { running: 'removeRunning', restarting: 'removeRunning', paused: 'removePaused', removing: 'removing' },
};

/** Throws dockerd's refusal when the container's state does not allow the verb. */
export function guard(verb: Verb, record: ContainerRecord): void {
  const refusal = TABLE[verb][record.state.Status];
  if (refusal !== undefined) throw REFUSALS[refusal](record);
}

/** True when processes of the container exist (also frozen ones). */
export const hasProcesses = (record: ContainerRecord): boolean =>
  record.state.Status === 'running' || record.state.Status === 'paused';

export const createdState = (): ContainerState => ({
  Status: 'created',
  Running: false,
  Paused: false,
  Restarting: false,
  OOMKilled: false,
  Dead: false,
  Pid: 0,
  ExitCode: 0,
  Error: '',
  StartedAt: ZERO_TIME,
  FinishedAt: ZERO_TIME,
});

/** Sets the status and the booleans that Docker derives from it: a paused or restarting container counts as running. */
export function setStatus(state: ContainerState, status: ContainerStatus): void {
  state.Status = status;
  state.Running = status === 'running' || status === 'paused' || status === 'restarting';
  state.Paused = status === 'paused';
  state.Restarting = status === 'restarting';
  state.Dead = status === 'dead';
}
