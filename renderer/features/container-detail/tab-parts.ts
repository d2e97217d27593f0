import { defineAsyncComponent } from 'vue';
import { loadPart } from '../../app/load-part.ts';

/** The parts of the view, each with what it alone needs (the graphs, the terminal). */
const parts = {
  logs: () => loadPart(() => import('./logs/LogsTab.vue')),
  stats: () => loadPart(() => import('./stats/StatsTab.vue')),
  terminal: () => loadPart(() => import('./terminal/TerminalTab.vue')),
  inspect: () => loadPart(() => import('./inspect/InspectTab.vue')),
  processes: () => loadPart(() => import('./processes/ProcessesTab.vue')),
  isolation: () => loadPart(() => import('./isolation/IsolationTab.vue')),
};
export const LogsTab = defineAsyncComponent(parts.logs);
export const StatsTab = defineAsyncComponent(parts.stats);
export const TerminalTab = defineAsyncComponent(parts.terminal);
export const InspectTab = defineAsyncComponent(parts.inspect);
export const ProcessesTab = defineAsyncComponent(parts.processes);
export const IsolationTab = defineAsyncComponent(parts.isolation);

/** Fetches all of them before they are asked for, one after the other. */
export async function fetchTabs(): Promise<void> {
  for (const load of Object.values(parts)) await load();
}
