import { defineStore } from 'pinia';
import { shallowRef, triggerRef } from 'vue';
import type { UsageSample, UsageUpdate } from '../../../electron/contract/model.ts';
import { useClient } from '../../app/client.ts';
import { subscribe } from '../../composables/subscribe.ts';

export interface RecentUsage {
  cpu: number[];
  memory: number[];
  last: UsageSample;
}
const kept = 60;
/** Followed this long after the last one stopped looking, so that coming back shows a whole line. */
const lingerMs = 60_000;

/** What each running container used in the last minute, one value a second. Follows the host only while someone looks (or just did). */
export const useUsageStore = defineStore('usage', () => {
  const recent = shallowRef(new Map<string, RecentUsage>());
  let watchers = 0;
  let stop: (() => void) | undefined;
  let leaving: ReturnType<typeof setTimeout> | undefined;

  function apply(update: UsageUpdate) {
    const map = recent.value;
    for (const [id, sample] of Object.entries(update.containers)) {
      const before = map.get(id);
      // new arrays: a chart redraws only when its own values changed
      map.set(id, {
        cpu: [...(before?.cpu.slice(1 - kept) ?? []), sample.cpuPercent],
        memory: [...(before?.memory.slice(1 - kept) ?? []), sample.memory],
        last: sample,
      });
    }
    for (const id of map.keys()) if (!(id in update.containers)) map.delete(id);
    triggerRef(recent);
  }

  function follow(): () => void {
    watchers++;
    clearTimeout(leaving);
    stop ??= subscribe((signal) => useClient().containers.usage(undefined, { signal }), apply);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      if (--watchers === 0) leaving = setTimeout(end, lingerMs);
    };
  }
  function end() {
    stop?.();
    stop = undefined;
    recent.value = new Map();
  }
  return { recent, follow };
});
