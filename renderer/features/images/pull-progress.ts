import type { LayerPhase, LayerProgress } from '../../../electron/contract/model.ts';
import { formatBytes } from '../../ui/format.ts';

export const phaseWords: Record<LayerPhase, string> = {
  waiting: 'Waiting',
  downloading: 'Downloading',
  verifying: 'Verifying',
  downloaded: 'Downloaded',
  unpacking: 'Unpacking',
  done: 'Done',
  exists: 'Already here',
};

/** Downloading is counted as two thirds of the work of a layer, unpacking as the rest. */
const downloadShare = 2 / 3;

/** How far a layer is, 0 to 1. */
export function layerFraction({ phase, current, total }: LayerProgress): number {
  const part = total > 0 ? Math.min(1, current / total) : 0;
  switch (phase) {
    case 'waiting':
      return 0;
    case 'downloading':
      return downloadShare * part;
    case 'verifying':
    case 'downloaded':
      return downloadShare;
    case 'unpacking':
      return downloadShare + (1 - downloadShare) * part;
    default:
      return 1;
  }
}

/** How far a pull is, 0 to 1, by the layers' sizes where they are known; undefined before there is any layer. */
export function overallFraction(layers: readonly LayerProgress[]): number | undefined {
  if (layers.length === 0) return undefined;
  const known = layers.filter((layer) => layer.total > 0);
  const usual = known.length > 0 ? known.reduce((sum, layer) => sum + layer.total, 0) / known.length : 1;
  let done = 0;
  let all = 0;
  for (const layer of layers) {
    const weight = layer.total > 0 ? layer.total : usual;
    done += weight * layerFraction(layer);
    all += weight;
  }
  return done / all;
}

/** "3.4 MB of 29.1 MB" while bytes move, else "". */
export function layerBytes({ phase, current, total }: LayerProgress): string {
  if (phase !== 'downloading' && phase !== 'unpacking') return '';
  if (current === 0 && total === 0) return '';
  return total > 0 ? `${formatBytes(current)} of ${formatBytes(total)}` : formatBytes(current);
}
