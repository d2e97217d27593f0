import type { ExecConfig, ExecInspect } from '../../api/container.ts';
import type { Hijacked } from '../../http/router.ts';

export interface ExecStartRequest {
  Detach?: boolean;
  Tty?: boolean;
  ConsoleSize?: [number, number] | null;
}

/** What the exec router calls. */
export interface ExecBackend {
  create(container: string, config: ExecConfig): Promise<string>;
  /** Resolves when the command has started; it then goes on by itself. */
  startDetached(id: string): Promise<void>;
  /** Checks what can be checked, then serves the connection until the command ends or the client leaves. */
  startAttached(id: string, request: ExecStartRequest): { tty: boolean; run: (connection: Hijacked) => Promise<void> };
  resize(id: string, height: number, width: number): Promise<void>;
  inspect(id: string): Promise<ExecInspect>;
}
