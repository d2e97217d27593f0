/** The engines that the window can use, as plain data. */

/** `local`: Berth's own on this machine's kernel; `machine`: Berth's own in its guest; the others were there before, or are elsewhere. */
export type EngineKind = 'local' | 'machine' | 'ssh' | 'socket';

export interface EngineOption {
  id: string;
  kind: EngineKind;
  name: string;
  /** unix:///… or ssh://… */
  endpoint: string;
  /** `user`: added here, and can be removed here; `docker`: a context of the docker command */
  source: 'berth' | 'user' | 'docker';
  /** why it cannot be chosen; absent when it can */
  unusable?: string;
}

export interface EngineChoices {
  /** the id of the option in use */
  current: string;
  /** named when Berth was started (`--engine`): it cannot be changed in the window */
  pinned: boolean;
  options: EngineOption[];
}

/** What an engine said of itself when it was tried. */
export interface EngineCheck {
  version: string;
  apiVersion: string;
  system: string;
  kernel: string;
  berth: boolean;
}

/** What the engine in use is configured with, as far as it tells; empty where it does not. */
export interface EngineDefaults {
  root: string;
  logDriver: string;
  httpProxy: string;
  httpsProxy: string;
  noProxy: string;
  insecureRegistries: string[];
  mirrors: string[];
}

/** A place on this machine's disk. */
export interface Place {
  name: string;
  path: string;
  /** false: nothing has been written there yet */
  exists: boolean;
}
