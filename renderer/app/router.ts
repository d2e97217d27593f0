import { createRouter, createWebHashHistory } from 'vue-router';
import type { Router, RouterHistory } from 'vue-router';
import ContainersView from '../features/containers/ContainersView.vue';
import ImagesView from '../features/images/ImagesView.vue';
import ImageView from '../features/images/ImageView.vue';
import MachineView from '../features/machine/MachineView.vue';
import NetworksView from '../features/networks/NetworksView.vue';
import SettingsView from '../features/settings/SettingsView.vue';
import VolumesView from '../features/volumes/VolumesView.vue';
import { loadPart } from './load-part.ts';

declare module 'vue-router' {
  interface RouteMeta {
    title?: string;
    /** shown also while there is no engine */
    withoutEngine?: boolean;
  }
}

/** The heavy part (terminal, graphs, editor) comes by itself, right after the first paint. */
export const loadDetail = () => loadPart(() => import('../features/container-detail/ContainerDetailView.vue'));

/** Addresses after '#': they work the same from any server and in Electron, and a reload keeps the place. */
export function createAppRouter(history: RouterHistory = createWebHashHistory()): Router {
  const router = createRouter({
    history,
    routes: [
      { path: '/', redirect: '/containers' },
      { path: '/containers', name: 'containers', meta: { title: 'Containers' }, component: ContainersView },
      {
        path: '/containers/:id/:tab?',
        name: 'container',
        meta: { title: 'Container' },
        props: true,
        component: loadDetail,
      },
      { path: '/images', name: 'images', meta: { title: 'Images' }, component: ImagesView },
      { path: '/images/:id(.*)', name: 'image', meta: { title: 'Image' }, props: true, component: ImageView },
      {
        path: '/kernel/:part(namespaces)?',
        name: 'kernel',
        meta: { title: 'Kernel' },
        props: (to) => ({ part: to.params['part'] === 'namespaces' ? 'namespaces' : 'cgroups' }),
        component: () => loadPart(() => import('../features/kernel/KernelView.vue')),
      },
      { path: '/volumes', name: 'volumes', meta: { title: 'Volumes' }, component: VolumesView },
      { path: '/networks', name: 'networks', meta: { title: 'Networks' }, component: NetworksView },
      {
        path: '/machine/:tab?',
        name: 'machine',
        meta: { title: 'Machine', withoutEngine: true },
        props: true,
        component: MachineView,
      },
      {
        path: '/settings',
        name: 'settings',
        meta: { title: 'Settings', withoutEngine: true },
        component: SettingsView,
      },
      { path: '/:rest(.*)*', redirect: '/containers' },
    ],
  });
  router.afterEach((to) => {
    document.title = to.meta.title ? `${to.meta.title} · Berth` : 'Berth';
  });
  return router;
}
