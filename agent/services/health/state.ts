import type { ContainerConfig, HealthConfig, HealthLogEntry, HealthState } from '../../api/container.ts';

/** Defaults, limits and rules of moby's daemon/health.go. Milliseconds. */
const INTERVAL = 30_000;
const TIMEOUT = 30_000;
const START_INTERVAL = 5_000;
const RETRIES = 3;
const LOG_ENTRIES = 5;

type Configured = Pick<ContainerConfig, 'Healthcheck' | 'Shell'>;

const milliseconds = (nanoseconds: number | undefined, otherwise: number): number =>
  nanoseconds ? nanoseconds / 1e6 : otherwise;

/** What to run to learn how the container is; undefined when nothing was asked for. Empty when the command was forgotten. */
export function probeCommand({ Healthcheck, Shell }: Configured): string[] | undefined {
  const [kind, ...command] = Healthcheck?.Test ?? [];
  if (kind === 'CMD') return command;
  if (kind !== 'CMD-SHELL') return undefined;
  return command.length === 0 ? [] : [...(Shell?.length ? Shell : ['/bin/sh', '-c']), ...command];
}

/** What a container starts with; undefined where nothing looks after it. The log of an earlier run stays, as dockerd has it. */
export function initialHealth(config: Configured, before: HealthState | undefined): HealthState | undefined {
  if (probeCommand(config) === undefined) return before;
  return { Status: 'starting', FailingStreak: 0, Log: before?.Log ?? [] };
}

/** Nobody looks any more, since it has ended or is paused: clients take it for unhealthy then (moby `CloseMonitorChannel`). */
export function unwatched(health: HealthState | undefined): void {
  if (health) health.Status = 'unhealthy';
}

export const probeTimeout = (health: HealthConfig): number => milliseconds(health.Timeout, TIMEOUT);

/** Until the next probe. `age`: how long the container runs. */
export function nextProbe(health: HealthConfig, status: HealthState['Status'], age: number): number {
  if (status === 'starting' && age < milliseconds(health.StartPeriod, 0))
    return milliseconds(health.StartInterval, START_INTERVAL);
  return milliseconds(health.Interval, INTERVAL);
}

/** Records a probe's result. `age`: how long the container ran when the probe began. */
export function judge(state: HealthState, health: HealthConfig, result: HealthLogEntry, age: number): void {
  state.Log = [...state.Log.slice(1 - LOG_ENTRIES), result];
  if (result.ExitCode === 0) {
    state.FailingStreak = 0;
    state.Status = 'healthy';
    return;
  }
  // A container that has never been well may fail as long as it starts.
  if (state.Status === 'starting' && age < milliseconds(health.StartPeriod, 0)) return;
  state.FailingStreak += 1;
  if (state.FailingStreak >= (health.Retries && health.Retries > 0 ? health.Retries : RETRIES))
    state.Status = 'unhealthy';
}

/** A duration as Go writes it: "1m30s", "1.5s", "200ms". */
export function goDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${trim(milliseconds)}ms`;
  const seconds = milliseconds / 1000;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = trim(seconds % 60);
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${rest}s`;
}

const trim = (value: number): string => String(Math.round(value * 1e6) / 1e6);
