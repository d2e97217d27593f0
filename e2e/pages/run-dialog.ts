import type { Locator } from '@playwright/test';
import { Window } from './window.ts';

export type Section = 'Basics' | 'Ports' | 'Storage' | 'Environment' | 'Limits' | 'Security';

export class RunDialog extends Window {
  get dialog(): Locator {
    return this.page.getByRole('dialog', { name: 'Run a container' });
  }
  async open(): Promise<void> {
    await this.page.getByRole('button', { name: 'Run a container' }).first().click();
    await this.dialog.waitFor();
  }
  async section(name: string | RegExp): Promise<void> {
    await this.dialog.getByRole('tab', { name }).click();
  }
  /** a field by the name it has in the request: "image", "ports.0.hostPort" */
  field(name: string): Locator {
    return this.dialog.locator(`[name="${name}"]`);
  }
  /** the fields of one mount, from 0 */
  mount(at: number): Locator {
    return this.dialog.getByRole('group', { name: `Mount ${at + 1}` });
  }
  async fill(fields: Record<string, string>): Promise<void> {
    for (const [name, value] of Object.entries(fields)) await this.field(name).fill(value);
  }
  get dockerLine(): Locator {
    return this.dialog.getByRole('status', { name: 'Equal docker line' });
  }
  async run(): Promise<void> {
    await this.dialog.getByRole('button', { name: 'Run', exact: true }).click();
  }
}
