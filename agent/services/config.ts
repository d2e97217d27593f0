/** The engine's configuration: command line first, then the file (dockerd's names, in brackets where they differ), then these defaults. */
export interface EngineConfig {
  socket: string;
  root: string;
  runDir: string;
  /** "crun" | "runc", as asked for; else the first that is there */
  runtime: string | undefined;
  /** [registry-mirrors] base URLs for docker.io */
  registryMirrors: string[];
  /** [insecure-registries] host[:port] or CIDR; loopback always is */
  insecureRegistries: string[];
  /** [log-driver] */
  logDriver: string;
  /** [log-opts] */
  logOpts: Record<string, string>;
  /** [default-address-pools] */
  defaultAddressPools: { base: string; size: number }[];
  dns: string[];
  dnsOpts: string[];
  dnsSearch: string[];
  /** address of the default bridge, "172.17.0.1/16"; '' chooses a free one */
  bip: string;
  /** [fixed-cidr-v6] */
  fixedCidrV6: string;
  ipv6: boolean;
  /**
   * [host-machine] '' where containers run on the user's own machine. Else this engine runs in a guest, and this is the address under
   * which the user's machine is reached from it: host.docker.internal and host-gateway lead there, and published addresses are that
   * machine's, so that each port is published on every address of the guest.
   */
  hostMachine: string;
  /** [host-folders] '' or the file that names, a line each ("rw PATH", "9p-ro PATH"), the folders of the user's machine that this guest has. */
  hostFolders: string;
  /** `held`: whoever starts this engine makes sure that no other uses its directories, as the guest's init does; no locks are taken. */
  lock: 'take' | 'held';
  /** a directory: the engine is loaded, and waits there until it may begin; '' begins at once */
  begin: string;
  labels: string[];
  /** [max-concurrent-downloads] */
  maxConcurrentDownloads: number;
  /** [cgroup-parent] absolute */
  cgroupParent: string;
  /** [shutdown-timeout] seconds */
  shutdownTimeout: number;
  /** [default-shm-size] bytes */
  defaultShmSize: number;
  /** [cpu-rt-period, cpu-rt-runtime] microseconds: what all containers together may have of real-time scheduling; 0 leaves it as it is */
  cpuRtPeriod: number;
  cpuRtRuntime: number;
  /** [default-ulimits] */
  defaultUlimits: Record<string, { Name: string; Hard: number; Soft: number }>;
  /** [userns-remap] '' | "default" | "user[:group]": containers have ids of their own unless they ask for the host's */
  usernsRemap: string;
  debug: boolean;
}

/** What holds without a configuration file and command line. */
export const DEFAULT_CONFIG: EngineConfig = {
  socket: '/var/run/berth/engine.sock',
  root: '/var/lib/berth',
  runDir: '/run/berth',
  runtime: undefined,
  registryMirrors: [],
  insecureRegistries: [],
  logDriver: 'json-file',
  logOpts: {},
  defaultAddressPools: [],
  dns: [],
  dnsOpts: [],
  dnsSearch: [],
  bip: '',
  fixedCidrV6: '',
  ipv6: false,
  hostMachine: '',
  hostFolders: '',
  lock: 'take',
  begin: '',
  labels: [],
  maxConcurrentDownloads: 3,
  cgroupParent: '/berth',
  shutdownTimeout: 15,
  defaultShmSize: 64 * 1024 * 1024,
  cpuRtPeriod: 0,
  cpuRtRuntime: 0,
  defaultUlimits: {},
  usernsRemap: '',
  debug: false,
};
