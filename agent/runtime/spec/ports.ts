export interface Port {
  number: number;
  protocol: 'tcp' | 'udp' | 'sctp';
}

/** "80/tcp", "80". Undefined when it is neither. */
export function parsePort(text: string): Port | undefined {
  const match = /^(\d{1,5})(?:\/([a-zA-Z]+))?$/.exec(text);
  if (!match) return undefined;
  const number = Number(match[1]);
  const protocol = (match[2] ?? 'tcp').toLowerCase();
  if (number < 1 || number > 65_535) return undefined;
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp') return undefined;
  return { number, protocol };
}

/** "8080" or "8000-8010" (any free one of these); '' is any free port. */
export function isHostPort(text: string): boolean {
  if (text === '') return true;
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return false;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from <= to && to <= 65_535;
}
