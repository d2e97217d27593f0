import { computed, inject, provide, reactive, ref, watch } from 'vue';
import type { InjectionKey } from 'vue';
import { toCommandLine } from '../../../electron/contract/command-line.ts';
import { toCreateRequest } from '../../../electron/contract/create-request.ts';
import { emptyRunRequest } from '../../../electron/contract/run-request.ts';
import type { RunRequest } from '../../../electron/contract/run-request.ts';
import { capabilityProblem } from './capabilities.ts';
import { sectionOf } from './sections.ts';
import type { Section } from './sections.ts';

/** What is typed in the run dialog, what is wrong with it, and the equal command line. */
export function createRunForm(image = '') {
  const form = reactive<RunRequest>(emptyRunRequest(image));
  /** fields the user has left, whose errors are shown; all after the first attempt to run */
  const touched = reactive(new Set<string>());
  const attempted = ref(false);
  const server = ref<{ field: string; message: string }>();
  watch(form, () => (server.value = undefined), { deep: true });

  const all = computed(() => {
    const found = new Map<string, string>();
    const result = toCreateRequest(form);
    if (!result.ok) for (const { field, message } of result.errors) if (!found.has(field)) found.set(field, message);
    for (const field of ['capAdd', 'capDrop'] as const) {
      const problem = capabilityProblem(form[field]);
      if (problem) found.set(field, problem);
    }
    return found;
  });
  /** shown: what is wrong with fields that were left, or all of it; and what the engine said */
  const errors = computed(() => {
    const shown = new Map([...all.value].filter(([field]) => attempted.value || touched.has(field)));
    if (server.value) shown.set(server.value.field, server.value.message);
    return shown;
  });
  const errorOf = (field: string): string => errors.value.get(field) ?? '';
  const faulty = computed(
    () => new Set([...errors.value.keys()].map(sectionOf).filter((each): each is Section => each !== undefined)),
  );

  /** True when the form may be sent; else every error is shown from now on. */
  function check(): boolean {
    attempted.value = true;
    return all.value.size === 0;
  }
  function touch(field: string): void {
    if (field) touched.add(field);
  }
  function setServerError(field: string, message: string): void {
    server.value = { field, message };
  }
  const commandLine = computed(() => toCommandLine(form));
  return { form, errors, errorOf, faulty, check, touch, setServerError, commandLine };
}
export type RunForm = ReturnType<typeof createRunForm>;

const key: InjectionKey<RunForm> = Symbol('run form');
export const provideRunForm = (form: RunForm): void => provide(key, form);
export function useRunForm(): RunForm {
  const form = inject(key);
  if (!form) throw new Error('outside of the run dialog');
  return form;
}
