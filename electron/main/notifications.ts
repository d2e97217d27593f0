import { Notification } from 'electron';
import type { ContainerFeed } from '../host/container-feed.ts';

/** Tells of containers that ended by themselves with a failure. Not more than one each few seconds: a crash loop is one piece of news. */
const QUIET = 10_000;

export function notifyOfFailures(containers: ContainerFeed, open: () => void): void {
  const last = new Map<string, number>();
  containers.died.listen(({ row, exitCode }) => {
    if (exitCode === 0 || !Notification.isSupported()) return;
    const now = Date.now();
    if (now - (last.get(row.id) ?? 0) < QUIET) return;
    last.set(row.id, now);
    const notification = new Notification({
      title: `${row.name} ended`,
      body: `${row.image} ended with exit code ${exitCode}.`,
    });
    notification.on('click', open);
    notification.show();
  });
}
