import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type { MachineHost, MachineSettings, MachineStatus } from '../../../electron/contract/machine.ts';
import type { AppError } from '../../../electron/contract/model.ts';
import { useClient } from '../../app/client.ts';
import { asAppError } from '../../app/errors.ts';
import { subscribe } from '../../composables/subscribe.ts';
import { confirm } from '../../ui/confirm.ts';
import { toast, toastError } from '../../ui/toasts.ts';

export type MachineVerb = 'start' | 'stop' | 'kill' | 'restart' | 'reset';

const failed: Record<MachineVerb, string> = {
  start: 'The machine did not start',
  stop: 'The machine was not stopped',
  kill: 'The machine was not ended',
  restart: 'The machine was not restarted',
  reset: 'The machine was not reset',
};

/** The machine's state, followed only while a view shows it (it is measured for who watches), and what can be done with it. */
export const useMachineStore = defineStore('machine', () => {
  const status = shallowRef<MachineStatus>();
  const host = shallowRef<MachineHost>();
  const settings = shallowRef<MachineSettings>();
  const problem = shallowRef<AppError>();
  /** what was asked for and is under way */
  const busy = ref<MachineVerb>();

  /** Follows until the returned function is called. */
  function follow(): () => void {
    return subscribe(
      (signal) => useClient().machine.watch(undefined, { signal }),
      (next) => {
        status.value = next;
        problem.value = undefined;
      },
      { onError: (error) => (problem.value = error) },
    );
  }

  async function load(): Promise<void> {
    try {
      [host.value, settings.value] = await Promise.all([useClient().machine.host(), useClient().machine.settings()]);
    } catch (error) {
      problem.value = asAppError(error);
    }
  }

  async function act(verb: MachineVerb): Promise<void> {
    // ending it is what one asks for when something else goes on for too long
    if (busy.value !== undefined && verb !== 'kill') return;
    const mine = (busy.value = verb);
    try {
      await useClient().machine[verb]();
      if (verb === 'reset') toast({ tone: 'success', title: 'The machine is as new: the next start makes its disk' });
    } catch (error) {
      // a step that failed stands in the view, with what to do; a start that was ended by the user is no news
      const failure = asAppError(error);
      if (failure.code !== 'machine-step' && busy.value === mine) toastError(failed[verb], failure);
    } finally {
      if (busy.value === mine) busy.value = undefined;
    }
  }

  async function askReset(): Promise<void> {
    const answer = await confirm({
      title: 'Reset the machine?',
      text: 'Its disk is removed, with all that is on it. This cannot be undone. Settings stay; folders of this computer are not touched.',
      items: [
        { name: 'All images', note: 'in the machine' },
        { name: 'All containers', note: 'running ones too' },
        { name: 'All volumes', note: 'with their data' },
        { name: 'The machine’s key', note: 'a new one is made' },
      ],
      action: 'Reset the machine',
      danger: true,
    });
    if (answer) await act('reset');
  }

  async function save(change: Partial<MachineSettings>) {
    const outcome = await useClient().machine.setSettings(change);
    settings.value = outcome.settings;
    return outcome;
  }
  const state = computed(() => status.value?.state);
  return { status, state, host, settings, problem, busy, follow, load, act, askReset, save };
});
