import type { EventMessage } from '../../api/system.ts';
import { matchLabels, type Filters } from '../../http/query.ts';

/** Names that GET /events takes (moby `events/filter.go`). */
export const EVENT_FILTERS = [
  'config',
  'container',
  'daemon',
  'event',
  'id',
  'image',
  'label',
  'network',
  'node',
  'plugin',
  'scope',
  'secret',
  'service',
  'type',
  'volume',
] as const;

/** True when the event is one that was asked for. Filters of one name are alternatives; all names must match. */
export function matchesEvent(event: EventMessage, filters: Filters): boolean {
  const { ID, Attributes } = event.Actor;
  const any = (name: string, matches: (value: string) => boolean) => {
    const values = filters.get(name);
    return values === undefined || values.size === 0 || [...values].some(matches);
  };
  const actor = (type: EventMessage['Type']) =>
    any(type, (value) => event.Type === type && (ID.startsWith(value) || Attributes['name'] === value));
  return (
    any(
      'event',
      (value) =>
        event.Action === value ||
        ((value === 'exec_create' || value === 'exec_start' || value === 'health_status') &&
          event.Action.startsWith(value)),
    ) &&
    any('type', (value) => event.Type === value) &&
    any('scope', (value) => event.scope === value) &&
    any('id', (value) => ID.startsWith(value)) &&
    actor('daemon') &&
    actor('container') &&
    actor('volume') &&
    actor('network') &&
    any('image', (value) => sameImage(event, value)) &&
    matchLabels(filters.get('label'), Attributes)
  );
}

/** By image id or name, with or without the tag, of an image event or of a container made from it. */
function sameImage(event: EventMessage, value: string): boolean {
  const names =
    event.Type === 'image' ? [event.Actor.ID, event.Actor.Attributes['name']] : [event.Actor.Attributes['image']];
  return names.some((name) => name !== undefined && (name === value || name.replace(/:[^/:]+$/, '') === value));
}
