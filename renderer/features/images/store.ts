import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type { ActionResult, ImageRow } from '../../../electron/contract/model.ts';
import { useClient } from '../../app/client.ts';
import { asAppError } from '../../app/errors.ts';
import { useSubscription } from '../../composables/subscribe.ts';
import { shortId } from '../../ui/format.ts';
import { confirm } from '../../ui/confirm.ts';
import { toast, toastError } from '../../ui/toasts.ts';

/** A name for an image: its first tag, else its short id. */
export const imageTitle = (row: Pick<ImageRow, 'id' | 'tags'>): string => row.tags[0] ?? shortId(row.id);

/** The stored images, live. */
export const useImagesStore = defineStore('images', () => {
  const rows = shallowRef<ImageRow[]>([]);
  const loaded = ref(false);
  useSubscription(
    (signal) => useClient().images.watch(undefined, { signal }),
    (change) => {
      rows.value = change.rows;
      loaded.value = true;
    },
  );
  const tags = computed(() => rows.value.flatMap((row) => row.tags).sort());

  /** Rejects with what the form shows beside its field. */
  const tag = (reference: string, target: string): Promise<void> => useClient().images.tag({ reference, target });

  async function remove(references: string[], force: boolean): Promise<boolean> {
    try {
      const results = await useClient().images.remove({ references, force });
      return reportRemoval(results);
    } catch (error) {
      toastError('The image was not removed', asAppError(error));
      return false;
    }
  }

  /** Says what goes and what uses it, asks, and removes. True when everything asked for is gone. */
  async function askRemove(chosen: ImageRow[], only?: string): Promise<boolean> {
    const used = chosen.flatMap((row) => row.usedBy);
    const first = chosen[0];
    if (!first) return false;
    const many = chosen.length > 1;
    const use =
      used.length === 0
        ? ''
        : ` Used by ${used.slice(0, 5).join(', ')}${used.length > 5 ? ` and ${used.length - 5} more` : ''}.`;
    const answer = await confirm({
      title: many ? `Remove ${chosen.length} images?` : `Remove ${only ?? imageTitle(first)}?`,
      text:
        only && first.tags.length > 1
          ? 'This name goes; the image stays under its other names.'
          : `${many ? 'The images and all their names' : 'The image and all its names'} will be gone. Layers that other images share stay.${use}`,
      items: only
        ? []
        : chosen.flatMap((row) =>
            (row.tags.length ? row.tags : [shortId(row.id)]).map((name) => ({
              name,
              note: row.usedBy.length ? 'in use' : '',
            })),
          ),
      options: [
        {
          name: 'force',
          label: 'Remove by force',
          hint: used.length
            ? 'Needed for an image that containers use: they keep running, its names go'
            : 'Also where a stopped container uses it or it has several names',
        },
      ],
      action: 'Remove',
      danger: true,
    });
    if (!answer) return false;
    const references = only ? [only] : chosen.flatMap((row) => (row.tags.length > 0 ? row.tags : [row.id]));
    return remove(references, answer['force'] ?? false);
  }
  return { rows, loaded, tags, tag, askRemove };
});

function reportRemoval(results: ActionResult[]): boolean {
  let done = 0;
  for (const { id, error } of results) {
    if (error) toastError(`${id.startsWith('sha256:') ? shortId(id) : id} was not removed`, error);
    else done++;
  }
  if (done > 0) toast({ tone: 'success', title: done === 1 ? 'Image removed' : `${done} image names removed` });
  return done === results.length;
}
