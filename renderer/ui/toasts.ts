import { reactive } from 'vue';
import type { AppError } from '../../electron/contract/model.ts';

export interface Toast {
  id: number;
  tone: 'success' | 'danger' | 'neutral';
  title: string;
  detail: string;
}

export const toasts = reactive<Toast[]>([]);
const limit = 5;
let next = 1;

/** Shows a message at the edge of the window. Failures stay until they are closed (or pushed out by newer ones), the rest 5 seconds. */
export function toast(message: { title: string; detail?: string; tone?: Toast['tone'] }): void {
  const shown: Toast = {
    id: next++,
    tone: message.tone ?? 'neutral',
    title: message.title,
    detail: message.detail ?? '',
  };
  const last = toasts.at(-1);
  if (last && last.title === shown.title && last.detail === shown.detail) return;
  toasts.push(shown);
  if (toasts.length > limit) toasts.splice(0, toasts.length - limit);
  if (shown.tone !== 'danger') setTimeout(() => dismissToast(shown.id), 5_000);
}

/** Shows that something failed, why, and what to do. */
export function toastError(title: string, error: AppError): void {
  const detail = [error.message, error.detail, error.action].filter(Boolean).join('\n');
  toast({ tone: 'danger', title, detail });
}

export function dismissToast(id: number): void {
  const index = toasts.findIndex((shown) => shown.id === id);
  if (index >= 0) toasts.splice(index, 1);
}
