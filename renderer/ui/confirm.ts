import { shallowRef } from 'vue';

export interface Question {
  title: string;
  /** what will happen, in words */
  text: string;
  /** what it happens to */
  items?: { name: string; note?: string }[];
  /** the verb on the button: "Remove" */
  action: string;
  danger?: boolean;
  /** boxes the user may tick, by name */
  options?: { name: string; label: string; hint?: string; checked?: boolean }[];
}
/** The ticked boxes; undefined: not confirmed. */
export type Answer = Record<string, boolean> | undefined;

export const pending = shallowRef<{ question: Question; resolve: (answer: Answer) => void }>();

/** Asks before something that cannot be undone. Resolves with undefined when the user does not want it. */
export function confirm(question: Question): Promise<Answer> {
  pending.value?.resolve(undefined);
  return new Promise((resolve) => {
    pending.value = { question, resolve };
  });
}

export function answer(value: Answer): void {
  const asked = pending.value;
  pending.value = undefined;
  asked?.resolve(value);
}
