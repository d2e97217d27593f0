import type { ContainerHealth } from './model.ts';

/** What Docker's status text tells beside the time: "Up 3 minutes (unhealthy)", "Exited (137) 2 hours ago" (moby container/state.go). */
export function readStatus(status: string): { health: ContainerHealth; exitCode: number | null; since: string } {
  const health = /\((healthy|unhealthy|health: starting)\)/.exec(status)?.[1];
  const exit = /^(?:Exited|Restarting) \((\d+)\) ?/.exec(status);
  return {
    health: health === undefined ? '' : health === 'healthy' || health === 'unhealthy' ? health : 'starting',
    exitCode: exit ? Number(exit[1]) : null,
    since: status
      .replace(/ ?\((healthy|unhealthy|health: starting)\)/, '')
      .replace(/^(Exited|Restarting) \(\d+\) ?/, '')
      // longer than the moment it speaks of
      .replace(/^Up Less than a second$/, 'Started just now')
      .replace(/^Less than a second ago$/, 'just now')
      .trim(),
  };
}
