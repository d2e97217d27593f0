import '../styles/tokens.css';
import '../styles/base.css';
import '../styles/input.css';
import { createPinia } from 'pinia';
import { createApp, ref } from 'vue';
import App from '../app/App.vue';
import { setClient } from '../app/client.ts';
import { connectionKey } from '../app/keys.ts';
import { createAppRouter } from '../app/router.ts';
import { applyStoredTheme, theme } from '../app/theme.ts';
import { demoClient } from './demo-client.ts';

// The application with invented data and no host: `?rows=500`, `?engine=unreachable`, `?machine=failed`, `?theme=dark`. Never part of a normal build.
const options = new URLSearchParams(location.search);
applyStoredTheme();
const wanted = options.get('theme');
if (wanted === 'dark' || wanted === 'light') theme.value = wanted;
const client = demoClient({
  rows: Number(options.get('rows') ?? 9),
  engine: options.get('engine') ?? 'ready',
  empty: options.has('empty'),
  machine: options.get('machine') ?? 'running',
});
setClient(client);
const connection = { client, state: ref('open' as const), reconnect: () => undefined, close: () => undefined };
createApp(App).use(createPinia()).use(createAppRouter()).provide(connectionKey, connection).mount('#app');
