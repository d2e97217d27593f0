import { defineStore } from 'pinia';
import { computed, reactive, ref, shallowRef, triggerRef } from 'vue';
import type { ActionResult, ContainerChange, ContainerRow } from '../../../electron/contract/model.ts';
import { useClient } from '../../app/client.ts';
import { asAppError } from '../../app/errors.ts';
import { useSubscription } from '../../composables/subscribe.ts';
import { toast, toastError } from '../../ui/toasts.ts';
import type { Verb } from './rules.ts';

const failed: Record<Verb, string> = {
  start: 'was not started',
  stop: 'was not stopped',
  restart: 'was not restarted',
  pause: 'was not paused',
  unpause: 'was not resumed',
  kill: 'was not killed',
  remove: 'was not removed',
};

/** The live list of containers and what can be done with them. Failures are shown as toasts, one for each reason. */
export const useContainersStore = defineStore('containers', () => {
  const byId = shallowRef(new Map<string, ContainerRow>());
  const loaded = ref(false);
  /** what is under way, by container id */
  const busy = reactive(new Map<string, Verb>());

  function apply(change: ContainerChange) {
    if (change.kind === 'snapshot') {
      byId.value = new Map(change.rows.map((row) => [row.id, row]));
      loaded.value = true;
      return;
    }
    if (change.kind === 'upsert') byId.value.set(change.row.id, change.row);
    else byId.value.delete(change.id);
    triggerRef(byId);
  }
  useSubscription((signal) => useClient().containers.watch(undefined, { signal }), apply);

  const rows = computed(() => [...byId.value.values()]);
  const nameOf = (id: string) => byId.value.get(id)?.name ?? id.slice(0, 12);

  async function act(verb: Verb, ids: string[], options = { volumes: false }): Promise<void> {
    const idle = ids.filter((id) => !busy.has(id));
    if (idle.length === 0) return;
    // a container that goes takes its name with it: the toast about it comes after
    const names = new Map(idle.map((id) => [id, nameOf(id)]));
    for (const id of idle) busy.set(id, verb);
    try {
      report(verb, await call(verb, idle, options.volumes), names);
    } catch (error) {
      const what = idle.length === 1 ? names.get(idle[0] ?? '') : `${idle.length} containers`;
      toastError(`${what} ${failed[verb]}`, asAppError(error));
    } finally {
      for (const id of idle) busy.delete(id);
    }
  }

  async function rename(id: string, name: string): Promise<void> {
    await useClient().containers.rename({ id, name });
  }
  return { byId, rows, loaded, busy, act, rename, nameOf };
});

function call(verb: Verb, ids: string[], volumes: boolean): Promise<ActionResult[]> {
  const { containers } = useClient();
  return verb === 'remove' ? containers.remove({ ids, force: true, volumes }) : containers[verb]({ ids });
}

function report(verb: Verb, results: ActionResult[], names: Map<string, string>): void {
  const failures = results.filter((result) => result.error);
  if (failures.length === 1 || failures.length === 2) {
    for (const { id, error } of failures) if (error) toastError(`${names.get(id) ?? id} ${failed[verb]}`, error);
  } else if (failures.length > 2) {
    const lines = failures.map(({ id, error }) => `${names.get(id) ?? id}: ${error?.message ?? ''}`);
    toast({
      tone: 'danger',
      title: `${failures.length} containers: ${failed[verb].replace('was', 'were')}`,
      detail: lines.join('\n'),
    });
  }
  const done = results.length - failures.length;
  if (verb === 'remove' && done > 0) {
    const only = done === 1 ? results.find((result) => !result.error) : undefined;
    toast({ tone: 'success', title: only ? `${names.get(only.id) ?? only.id} removed` : `${done} containers removed` });
  }
}
