import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readExit, writeExit, type ExitNotice } from '../../runtime/exit-watch.ts';
import { isAlive } from '../../runtime/process-identity.ts';
import { setAside } from '../../store/record.ts';
import type { ContainersContext } from './context.ts';
import type { Live } from './live.ts';

/** The exit code of a process whose end nobody saw. */
const LOST_CODE = 255;
const SIGKILL = 9;
/** milliseconds between two looks at all containers, and at those that conmon no longer looks after */
const CHECK = 10_000;
const ORPHAN_CHECK = 1_000;
/** the same while somebody waits for the end */
const WAITED_FOR = 25;

export const alive = ({ record }: Live): boolean => isAlive(record.state.Pid, record.pidStartTime);

/** conmon writes its exit file a moment after the process is gone; without conmon nobody knows how it ended. */
export async function exitOf(ctx: ContainersContext, live: Live): Promise<ExitNotice> {
  for (let attempt = 0; ; attempt += 1) {
    const notice = await readExit(ctx.layout.exits, live.id);
    if (notice) return notice;
    if (attempt < 40 && (await hasMonitor(live))) {
      await new Promise((done) => setTimeout(done, 50));
      continue;
    }
    const last = await readExit(ctx.layout.exits, live.id);
    if (!last) await setAsideExit(ctx, live.id);
    const code = live.lastSignal === SIGKILL ? 128 + SIGKILL : LOST_CODE;
    return last ?? { id: live.id, code, at: ctx.clock.timestamp() };
  }
}

async function setAsideExit(ctx: ContainersContext, id: string): Promise<void> {
  const path = join(ctx.layout.exits, id);
  if (!existsSync(path)) return;
  const target = await setAside(ctx.layout.quarantine, 'exit', path);
  ctx.log.warn(`The exit code of container ${id} could not be read; the file was moved to ${target}.`);
}

/** Sees to it that the end of a process becomes known as any other does: by its exit file. */
async function tell(ctx: ContainersContext, live: Live): Promise<void> {
  const { code } = await exitOf(ctx, live);
  if (live.record.state.Pid !== 0) await writeExit(ctx.layout.exits, live.id, code);
}

/** False when conmon was killed: its container goes on, but nothing tells of its end any more. */
async function hasMonitor({ record }: Live): Promise<boolean> {
  const name = await readFile(`/proc/${record.monitorPid}/comm`, 'utf8').catch(() => '');
  return record.monitorPid > 0 && name.trim() === 'conmon';
}

/** Every so often: looks for processes whose end conmon could not tell of. Gives the way to stop. */
export function startLostCheck(ctx: ContainersContext): () => void {
  let cancel: () => void = () => undefined;
  const look = async () => {
    const orphans = await findLost(ctx).catch((error: unknown) => {
      ctx.log.error('looking for lost containers', error);
      return 0;
    });
    schedule(orphans > 0 ? ORPHAN_CHECK : CHECK);
  };
  let stopped = false;
  const schedule = (delay: number) => {
    if (stopped) return;
    const timer = setTimeout(() => void look(), delay);
    timer.unref();
    cancel = () => clearTimeout(timer);
  };
  schedule(CHECK);
  return () => {
    stopped = true;
    cancel();
  };
}

/** Gives how many run without conmon. */
async function findLost(ctx: ContainersContext): Promise<number> {
  let orphans = 0;
  for (const live of ctx.table.values()) {
    if (live.record.state.Pid === 0 || live.starting) continue;
    if (!alive(live)) await tell(ctx, live);
    else if (!(await hasMonitor(live))) orphans += 1;
  }
  return orphans;
}

/** While somebody waits for the end of a container: sees it also without conmon. Gives the way to stop. */
export function watchOrphan(ctx: ContainersContext, live: Live): () => void {
  let cancel: () => void = () => undefined;
  let stopped = false;
  const look = async () => {
    if (stopped || live.record.state.Pid === 0 || (await hasMonitor(live))) return;
    if (!alive(live)) return tell(ctx, live);
    if (!stopped) cancel = ctx.clock.setTimeout(again, WAITED_FOR);
  };
  const again = () => void look().catch((error: unknown) => ctx.log.error(`end of container ${live.id}`, error));
  // conmon is nearly always there: most often this is all.
  cancel = ctx.clock.setTimeout(again, WAITED_FOR);
  return () => {
    stopped = true;
    cancel();
  };
}
