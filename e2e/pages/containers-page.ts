import type { Locator } from '@playwright/test';
import { Window } from './window.ts';

export class ContainersPage extends Window {
  async open(): Promise<void> {
    await this.visit('/containers');
    await this.page.getByRole('heading', { name: 'Containers', level: 1 }).waitFor();
  }
  row(name: string): Locator {
    return this.page.getByRole('row').filter({ has: this.page.getByRole('link', { name, exact: true }) });
  }
  state(name: string): Locator {
    return this.row(name).locator('[data-state]').first();
  }
  async select(...names: string[]): Promise<void> {
    for (const name of names) await this.row(name).getByRole('checkbox').check();
  }
  get bulk(): Locator {
    return this.page.getByRole('toolbar', { name: 'Selected containers' });
  }
  async act(name: string, action: string | RegExp): Promise<void> {
    await this.row(name)
      .getByRole('button', { name: `Actions for ${name}` })
      .click();
    await this.menuItem(action).click();
  }
}
