import '../../../styles/tokens.css';
import '../../../styles/base.css';
import '../../../styles/input.css';
import { createPinia } from 'pinia';
import { createApp, ref } from 'vue';
import App from '../../../app/App.vue';
import { setClient } from '../../../app/client.ts';
import { connectionKey } from '../../../app/keys.ts';
import { createAppRouter } from '../../../app/router.ts';
import { applyStoredTheme, theme } from '../../../app/theme.ts';
import { demoClient } from './demo-client.ts';

// One container with invented data and no host: `?lines=1000000`, `?theme=dark`, `?state=exited`, `?foreign`. Never part of a build.
const options = new URLSearchParams(location.search);
applyStoredTheme();
const wanted = options.get('theme');
if (wanted === 'dark' || wanted === 'light') theme.value = wanted;
const client = demoClient({
  lines: Number(options.get('lines') ?? 400),
  state: options.get('state') === 'exited' ? 'exited' : 'running',
  foreign: options.has('foreign'),
});
setClient(client);
const connection = { client, state: ref('open' as const), reconnect: () => undefined, close: () => undefined };
createApp(App).use(createPinia()).use(createAppRouter()).provide(connectionKey, connection).mount('#app');
