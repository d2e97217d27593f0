export type Section = 'basics' | 'ports' | 'storage' | 'environment' | 'limits' | 'security';

export const sections: { value: Section; label: string }[] = [
  { value: 'basics', label: 'Basics' },
  { value: 'ports', label: 'Ports' },
  { value: 'storage', label: 'Storage' },
  { value: 'environment', label: 'Environment' },
  { value: 'limits', label: 'Limits' },
  { value: 'security', label: 'Security' },
];

const bySection: Record<Section, readonly string[]> = {
  basics: [
    'image',
    'name',
    'command',
    'entrypoint',
    'workingDir',
    'user',
    'restart',
    'restartRetries',
    'autoRemove',
    'tty',
    'interactive',
    'init',
  ],
  ports: ['ports', 'network', 'hostname'],
  storage: ['mounts'],
  environment: ['environment'],
  limits: ['memory', 'cpus', 'cpuset', 'pids'],
  security: ['privileged', 'capAdd', 'capDrop', 'readOnly'],
};

/** Where the field with this path ("ports.0.hostPort") is; undefined for a path the dialog does not have. */
export function sectionOf(field: string): Section | undefined {
  const top = field.split('.')[0] ?? '';
  return sections.find(({ value }) => bySection[value].includes(top))?.value;
}
