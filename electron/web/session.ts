import { randomBytes, timingSafeEqual } from 'node:crypto';

const COOKIE = 'berth_session';

/**
 * Who may use the served window: the one-time token of the address is exchanged for a session cookie. The token opens one session;
 * a reload comes with the cookie.
 */
export class WebSession {
  readonly token = randomBytes(24).toString('base64url');
  readonly #secret = randomBytes(32).toString('base64url');
  readonly #cookie: string;
  #used = false;

  /** `port` keeps apart several Berths on one machine: cookies know no ports. */
  constructor(port: number) {
    this.#cookie = `${COOKIE}_${port}`;
  }

  /** The Set-Cookie value when `token` is right and not used yet. */
  redeem(token: string): string | undefined {
    if (this.#used || !same(token, this.token)) return undefined;
    this.#used = true;
    return `${this.#cookie}=${this.#secret}; HttpOnly; SameSite=Strict; Path=/`;
  }

  /** Whether a request's Cookie header carries the session. */
  owns(header: string | undefined): boolean {
    for (const part of (header ?? '').split(';')) {
      const at = part.indexOf('=');
      if (part.slice(0, at).trim() === this.#cookie && same(part.slice(at + 1).trim(), this.#secret)) return true;
    }
    return false;
  }
}

function same(given: string, right: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}
