import { invalid } from '../api/errors.ts';

/**
 * A platform in a query, which since 1.46 is JSON (`{"os":"linux","architecture":"arm64"}`), as "os/architecture[/variant]"; undefined when
 * none is given.
 */
export function platformOf(value: string | null): string | undefined {
  if (value === null || value === '') return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch (error) {
    throw invalid('failed to parse platform', error);
  }
  const { os, architecture, variant } = (parsed ?? {}) as Record<string, unknown>;
  const isText = (part: unknown) => typeof part === 'string' && part !== '';
  if (!isText(os) || !isText(architecture) || !(variant === undefined || typeof variant === 'string')) {
    const both = isText(os) || isText(architecture);
    throw invalid(both ? 'both OS and Architecture must be provided' : 'failed to parse platform');
  }
  return [os, architecture, ...(variant ? [variant] : [])].join('/');
}
