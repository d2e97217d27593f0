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
requestIdleCallback(() => void fetchParts().catch(() => undefined), { timeout: 2_000 });

async function fetchParts(): Promise<void> {
  await loadDetail();
  const { fetchTabs } = await import('../features/container-detail/tab-parts.ts');
  await fetchTabs();
}
