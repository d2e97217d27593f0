import type { Locator } from '@playwright/test';
import { Window } from './window.ts';

export type TabName = 'Logs' | 'Stats' | 'Terminal' | 'Inspect' | 'Processes' | 'Isolation';

export class ContainerPage extends Window {
  async open(id: string, tab: TabName = 'Logs'): Promise<void> {
    await this.visit(`/containers/${id}/${tab.toLowerCase()}`);
    await this.page.getByRole('tab', { name: tab, selected: true }).waitFor();
  }
  async tab(name: TabName): Promise<void> {
    await this.page.getByRole('tab', { name }).click();
  }
  get state(): Locator {
    return this.page.locator('.detail-header .state');
  }
  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name });
  }

  // logs
  get lines(): Locator {
    return this.page.getByRole('log').locator('[data-seq]');
  }
  get lineCount(): Locator {
    return this.page.getByTestId('line-count');
  }
  get logSearch(): Locator {
    return this.page.getByRole('textbox', { name: 'Search in the log' });
  }
  get searchStatus(): Locator {
    return this.page.locator('.logs .found');
  }

  // terminal
  get screen(): Locator {
    return this.page.locator('.xterm-rows');
  }
  async type(text: string): Promise<void> {
    await this.page.getByRole('group', { name: 'Terminal' }).click();
    await this.page.keyboard.type(text);
    await this.page.keyboard.press('Enter');
  }

  chart(title: string): Locator {
    return this.page.getByRole('figure', { name: new RegExp(`^${title}:`) });
  }
}
