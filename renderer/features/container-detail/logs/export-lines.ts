import { saveFile } from '../../../ui/save-file.ts';
import type { LogModel } from '../../../ui/log-view/log-model.ts';

/** All rows as text, in parts of a few thousand lines, so that no string of gigabytes is made. */
export function* textParts(model: LogModel, timestamps: boolean): Generator<string> {
  let part: string[] = [];
  for (const seq of model.rowsBetween(model.store.first, model.store.end)) {
    part.push(timestamps ? `${model.store.stamp(seq)} ${model.store.text(seq)}` : model.store.text(seq));
    if (part.length === 8192) {
      yield `${part.join('\n')}\n`;
      part = [];
    }
  }
  if (part.length > 0) yield `${part.join('\n')}\n`;
}

/** Gives the rows to the user as a file. */
export function download(model: LogModel, name: string, timestamps: boolean): void {
  saveFile(name, [...textParts(model, timestamps)]);
}
