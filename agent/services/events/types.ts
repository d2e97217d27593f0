import type { EventMessage } from '../../api/system.ts';

/** Where every service says what happened; the events service stamps, keeps (for `since`) and hands on. */
export interface EventSink {
  emit(type: EventMessage['Type'], action: string, id: string, attributes?: Record<string, string>): void;
}
