import '../styles/tokens.css';
import '../styles/base.css';
import '../styles/input.css';
import { createPinia } from 'pinia';
import { createApp } from 'vue';
import App from './App.vue';
import { setClient } from './client.ts';
import { connect } from './connection.ts';
import { applyStoredTheme } from './theme.ts';
import { connectionKey } from './keys.ts';
import { createAppRouter, loadDetail } from './router.ts';

applyStoredTheme();
const connection = connect();
setClient(connection.client);
createApp(App).use(createPinia()).use(createAppRouter()).provide(connectionKey, connection).mount('#app');
// what load-again.js counts; not at once, so that a style that never comes does not have the page loaded for ever
setTimeout(() => sessionStorage.removeItem('berth-load-again'), 10_000);
requestIdleCallback(() => void fetchParts().catch(() => undefined), { timeout: 2_000 });

async function fetchParts(): Promise<void> {
  await loadDetail();
  const { fetchTabs } = await import('../features/container-detail/tab-parts.ts');
  await fetchTabs();
}
