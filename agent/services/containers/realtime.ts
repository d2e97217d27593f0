import { invalid } from '../../api/errors.ts';
import { realtimeAbove, shareRealtime } from '../../cgroups/realtime.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { ContainersContext } from './context.ts';

/**
 * Before a container with `--cpu-rt-runtime` is made: the engine's share (`cpu-rt-runtime` of its configuration) goes to the groups
 * above it, from which it takes its own. Throws invalid-parameter where there is none to take.
 */
export function prepareRealtime({ config }: Pick<ContainersContext, 'config'>, record: ContainerRecord): void {
  const runtime = record.hostConfig.CpuRealtimeRuntime ?? 0;
  if (runtime <= 0) return;
  shareRealtime(record.cgroupPath, { period: config.cpuRtPeriod, runtime: config.cpuRtRuntime });
  if (realtimeAbove(record.cgroupPath) === 0)
    throw invalid(
      `cannot give the container ${runtime} microseconds of real-time CPU time: the engine has none; set "cpu-rt-runtime" (microseconds of each second) in its configuration file`,
    );
}
