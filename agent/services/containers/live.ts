import { isAlive } from '../../runtime/process-identity.ts';
import type { ContainerRecord } from '../container-record.ts';
import { ConsoleHub } from './console-hub.ts';
import type { HeldFolders } from './held-folders.ts';
import { Mutex } from './mutex.ts';

/** Somebody waits for something to happen to a container. */
export interface Waiter {
  condition: 'not-running' | 'next-exit' | 'removed';
  done: (exit: { code: number; error: string }) => void;
}

/** A container in memory: its record, which is what is on disk, and what lasts only as long as the engine. */
export class Live {
  readonly record: ContainerRecord;
  readonly lock = new Mutex();
  readonly saving = new Mutex();
  readonly waiters = new Set<Waiter>();
  readonly hub = new ConsoleHub(() => this.starting || isAlive(this.record.state.Pid, this.record.pidStartTime));
  readonly execIds = new Set<string>();
  /** takes back the timer of a restart to come */
  cancelRestart: (() => void) | undefined;
  /** milliseconds until the next restart by policy */
  restartDelay = 0;
  /** the user asked for the exit to come: the restart policy leaves it alone */
  exitWanted = false;
  /** a restart by the user is under way: auto-remove leaves the exit alone */
  keep = false;
  removing = false;
  /** how often the kernel has ended a process of it for want of memory, of which was told */
  oomKills = 0;
  /** the last signal a user sent: how the process ended, when conmon cannot tell */
  lastSignal = 0;
  /** a start is under way */
  starting = false;
  /** how often the root is in use beside the container itself */
  rootUses = 0;
  /** folders that are kept in use while it runs */
  held: HeldFolders | undefined;

  constructor(record: ContainerRecord) {
    this.record = record;
  }

  get id(): string {
    return this.record.id;
  }

  /** Tells those who wait for one of the conditions. */
  settle(...conditions: Waiter['condition'][]): void {
    const { ExitCode: code, Error: error } = this.record.state;
    for (const waiter of this.waiters) {
      if (!conditions.includes(waiter.condition)) continue;
      this.waiters.delete(waiter);
      // Why a start failed is told to the one who started it; a removal has no error.
      waiter.done({ code, error: waiter.condition === 'removed' ? '' : error });
    }
  }
}
