// @vitest-environment happy-dom
import { mount } from '@vue/test-utils';
import { describe, expect, it } from 'vitest';
import TagInput from './TagInput.vue';

describe('TagInput', () => {
  it('keeps a known word on its last letter, and Enter after it does not submit the form', async () => {
    const input = mount(TagInput, {
      props: { label: 'Drop', options: ['CHOWN', 'KILL'], modelValue: [] as string[] },
      attachTo: document.body,
    });
    const field = input.get('input');
    await field.setValue('CHOWN');
    expect(input.emitted('update:modelValue')?.[0]).toEqual([['CHOWN']]);
    const enter = new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true });
    field.element.dispatchEvent(enter);
    expect(enter.defaultPrevented).toBe(true);
    input.unmount();
  });
});
