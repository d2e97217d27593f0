import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../../agent/system/exec.ts';
import type { Architecture, Recipe } from './recipe.ts';

/** One package of the guest. The digest is the one of the archive's signed index. */
export interface Package {
  name: string;
  version: string;
  sha256: string;
  /** the file's name in the cache */
  file: string;
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Debian's archive through apt, with lists, cache and state of its own: nothing of the host's packages, sources or architecture is
 * seen or changed, and no right of root is needed.
 */
export async function createApt(directory: string, recipe: Recipe, architecture: Architecture) {
  const own = join(directory, 'apt', architecture);
  for (const folder of ['lists/partial', 'cache/archives/partial']) await mkdir(join(own, folder), { recursive: true });
  await writeFile(join(own, 'status'), '');
  await writeFile(
    join(own, 'sources.list'),
    recipe.sources
      .flatMap(({ uri, suites }) => suites.map((suite) => `deb [signed-by=${KEYRING}] ${uri} ${suite} main\n`))
      .join(''),
  );
  const configuration = join(own, 'apt.conf');
  const settings: Record<string, string> = {
    'Dir::State': own,
    'Dir::State::lists': join(own, 'lists'),
    'Dir::State::status': join(own, 'status'),
    'Dir::Cache': join(own, 'cache'),
    'Dir::Cache::archives': join(own, 'cache/archives'),
    'Dir::Etc::sourcelist': join(own, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Install-Recommends': 'false',
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    'Acquire::ForceHash': 'SHA256',
    'Acquire::Retries': '3',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
    'Debug::NoLocking': 'true',
  };
  await writeFile(
    configuration,
    Object.entries(settings)
      .map(([name, value]) => `${name} "${value}";\n`)
      .join(''),
  );
  const apt = (args: string[]) =>
    exec(args, { env: { ...process.env, APT_CONFIG: configuration, LC_ALL: 'C' }, timeout: 600_000 });

  return {
    update: () => apt(['apt-get', 'update', '-q']),
    /** What these packages and their dependencies are now, sorted by name. Fetches nothing. */
    async resolve(packages: readonly string[]): Promise<(Package & { uri: string })[]> {
      const asking = ['apt-get', 'install', '-y', '-q', '--print-uris', '--download-only', ...packages];
      const { stdout } = await apt(asking);
      return parseUris(stdout)
        .filter(({ name }) => !recipe.drop.includes(name))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },
  };
}

/** Lines of `apt-get --print-uris`: 'URI' FILE SIZE SHA256:DIGEST; the file is NAME_VERSION_ARCHITECTURE.deb, a colon written %3a. */
export function parseUris(text: string): (Package & { uri: string })[] {
  const result: (Package & { uri: string })[] = [];
  for (const line of text.split('\n')) {
    const match = /^'([^']+)' (\S+)_(\S+)_(\w+)\.deb \d+ (?:SHA256:([0-9a-f]{64}))?/.exec(line);
    if (!match) continue;
    const [, uri = '', name = '', version = '', architecture = '', sha256 = ''] = match;
    result.push({
      name,
      version: decodeURIComponent(version),
      sha256,
      file: `${name}_${version}_${architecture}.deb`,
      uri,
    });
  }
  return result;
}
