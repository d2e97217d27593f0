import { net, protocol, type Session } from 'electron';
import { pathToFileURL } from 'node:url';
import { findFile } from '../web/static-files.ts';
import { CONTENT_SECURITY_POLICY } from '../web/policy.ts';

/** The window's files have an origin of their own: `berth://app/`, not file://, which may read the whole disk. */
export const APP_ORIGIN = 'berth://app';

/** Before the application is ready. */
export function registerAppScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: 'berth', privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ]);
}

/** Serves the built window to a session, with the policy that keeps everything else out. */
export function serveApp(session: Session, root: string): void {
  session.protocol.handle('berth', async (request) => {
    const url = new URL(request.url);
    const file = url.host === 'app' && request.method === 'GET' ? await findFile(root, url.pathname) : undefined;
    if (!file) return new Response('Not found', { status: 404 });
    const response = await net.fetch(pathToFileURL(file).href);
    const headers = new Headers(response.headers);
    headers.set('Content-Security-Policy', CONTENT_SECURITY_POLICY);
    headers.set('X-Content-Type-Options', 'nosniff');
    return new Response(response.body, { status: response.status, headers });
  });
}
