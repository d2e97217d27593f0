import type { EventMessage } from '../../api/system.ts';
import type { Filters } from '../../http/query.ts';

/** Where every service says what happened; the events service stamps, keeps (for `since`) and hands on. */
export interface EventSink {
  emit(type: EventMessage['Type'], action: string, id: string, attributes?: Record<string, string>): void;
}

/** What the events router calls. */
export interface EventBackend {
  /** Times in nanoseconds since the epoch. Events kept since `since` first, then those that come, until `until` or the signal. */
  follow(
    options: { since?: bigint; until?: bigint; filters: Filters; signal: AbortSignal },
    onEvent: (event: EventMessage) => Promise<void>,
  ): Promise<void>;
}
