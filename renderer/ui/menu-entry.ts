import type { Component } from 'vue';

export interface MenuEntry {
  label: string;
  run: () => void;
  icon?: Component;
  danger?: boolean;
  disabled?: boolean;
  /** a line above this entry */
  separator?: boolean;
  checked?: boolean;
}
