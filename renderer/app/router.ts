import { createRouter, createWebHashHistory } from 'vue-router';
import type { Router, RouterHistory } from 'vue-router';

declare module 'vue-router' {
  interface RouteMeta {
    title?: string;
  }
}

/** Addresses after '#': they work the same from any server and in Electron, and a reload keeps the place. */
export function createAppRouter(history: RouterHistory = createWebHashHistory()): Router {
  const router = createRouter({
    history,
    routes: [
      { path: '/', redirect: '/containers' },
      { path: '/containers', name: 'containers', meta: { title: 'Containers' }, component: () => import('../features/containers/ContainersView.vue') },
      {
        path: '/containers/:id/:tab?',
        name: 'container',
        meta: { title: 'Container' },
        props: true,
        component: () => import('../features/container-detail/ContainerDetailView.vue'),
      },
      { path: '/images', name: 'images', meta: { title: 'Images' }, component: () => import('../features/images/ImagesView.vue') },
      { path: '/images/:id(.*)', name: 'image', meta: { title: 'Image' }, props: true, component: () => import('../features/images/ImageView.vue') },
      { path: '/volumes', name: 'volumes', meta: { title: 'Volumes' }, component: () => import('../features/volumes/VolumesView.vue') },
      { path: '/networks', name: 'networks', meta: { title: 'Networks' }, component: () => import('../features/networks/NetworksView.vue') },
      { path: '/:rest(.*)*', redirect: '/containers' },
    ],
  });
  router.afterEach((to) => {
    document.title = to.meta.title ? `${to.meta.title} · Berth` : 'Berth';
  });
  return router;
}
