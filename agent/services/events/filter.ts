import type { EventMessage } from '../../api/system.ts';
import { matchLabels, type Filters } from '../../http/query.ts';

/** Kinds of things whose events are asked for by id or name (moby `events/filter.go`). */
const ACTORS = ['daemon', 'container', 'plugin', 'volume', 'network', 'node', 'service', 'secret', 'config'] as const;
/** Actions that carry more after a colon: asking for one of them makes every asked action a prefix. */
const LONG_ACTIONS = ['health_status', 'exec_create', 'exec_start'];

/**
 * True when the event is one that was asked for. Filters of one name are alternatives; all names must match; a name that is none is not
 * looked at, as in dockerd.
 */
export function matchesEvent(event: EventMessage, filters: Filters): boolean {
  const { ID, Attributes } = event.Actor;
  const any = (name: string, matches: (value: string) => boolean) => {
    const values = filters.get(name);
    return values === undefined || values.size === 0 || [...values].some(matches);
  };
  const prefixed = LONG_ACTIONS.some((action) => filters.get('event')?.has(action));
  return (
    any('event', (value) => (prefixed ? event.Action.startsWith(value) : event.Action === value)) &&
    any('type', (value) => event.Type === value) &&
    any('scope', (value) => event.scope === value) &&
    ACTORS.every((kind) =>
      any(kind, (value) => ID.startsWith(value) || (Attributes['name'] ?? '').startsWith(value)),
    ) &&
    any('image', (value) => sameImage(event, value)) &&
    matchLabels(filters.get('label'), Attributes)
  );
}

/** By image id or name, with or without the tag, of an image event or of a container made from it. */
function sameImage({ Type, Actor }: EventMessage, value: string): boolean {
  const names = [Actor.ID, Actor.Attributes[Type === 'image' ? 'name' : 'image'] ?? ''];
  return names.some((name) => name === value || withoutTag(name) === value);
}

const withoutTag = (name: string): string => name.replace(/@.*$/, '').replace(/:[^/:]+$/, '');
