import type { InjectionKey } from 'vue';
import type { Connection } from './connection.ts';

export const connectionKey: InjectionKey<Connection> = Symbol('connection');
