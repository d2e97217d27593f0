import type { Locator } from '@playwright/test';
import type { Step } from '../../electron/contract/machine.ts';
import { Window } from './window.ts';

export class MachinePage extends Window {
  async open(tab: '' | 'console' | 'settings' = ''): Promise<void> {
    await this.visit(`/machine/${tab}`);
    await this.page.getByRole('heading', { name: 'Machine', level: 1 }).waitFor();
  }
  get state(): Locator {
    return this.page.locator('[data-machine-state]');
  }
  step(name: Step): Locator {
    return this.page.locator(`[data-step="${name}"]`);
  }
  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }
  card(name: string): Locator {
    return this.page.getByRole('region', { name, exact: true });
  }
  port(port: number): Locator {
    return this.page.locator(`[data-port="${port}"]`);
  }
}
