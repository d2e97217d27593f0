import { invalid, notImplemented } from '../api/errors.ts';
import { json, empty, type Handler, type Router } from './router.ts';

const NO_BUILDER =
  'building images is not yet part of Berth: build with another builder and load the result with "docker load", or pull the image';

/**
 * Building comes later: the builder's routes say so (501). What asks for its cache or gives up a build is answered, since `docker system
 * prune` asks for it too: there is none.
 */
export function addBuildRoutes(router: Router): void {
  const refuse: Handler = () => {
    throw notImplemented(NO_BUILDER);
  };
  router.post('/build', refuse);
  router.post('/session', refuse);
  router.post('/grpc', refuse);
  router.post('/build/prune', () => json({ CachesDeleted: null, SpaceReclaimed: 0 }));
  router.post('/build/cancel', (ctx) => {
    if (!ctx.query.get('id')) throw invalid('build ID not provided');
    return empty(200);
  });
}
