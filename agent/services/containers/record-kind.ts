import type { Layout } from '../../store/layout.ts';
import type { RecordKind } from '../../store/record.ts';
import type { ContainerRecord } from '../container-record.ts';

/** containers/ID/record.json */
export function containerRecordKind(layout: Layout, report: (message: string) => void): RecordKind<ContainerRecord> {
  return {
    name: 'container',
    migrations: [],
    quarantine: layout.quarantine,
    report,
    isValid: (value) =>
      typeof value['id'] === 'string' &&
      /^[0-9a-f]{64}$/.test(value['id']) &&
      typeof value['name'] === 'string' &&
      value['name'] !== '' &&
      ['config', 'hostConfig', 'state', 'attached', 'endpoints'].every(
        (key) => typeof value[key] === 'object' && value[key] !== null,
      ) &&
      Array.isArray(value['mounts']) &&
      Array.isArray(value['args']),
  };
}
