export interface Query {
  text: string;
  matchCase: boolean;
  regex: boolean;
}

export interface Matcher {
  /** matches once or more, anywhere in the line */
  test(line: string): boolean;
  /** start and end of each match in the line, at most `limit` */
  ranges(line: string, limit?: number): [number, number][];
  /** can be run over many lines joined by line breaks, because no match goes beyond its line */
  acrossLines: RegExp | undefined;
}

/** A matcher, or why the expression is not one; undefined when there is nothing to look for. */
export function createMatcher(query: Query): Matcher | { error: string } | undefined {
  if (query.text === '') return undefined;
  const flags = query.matchCase ? 'g' : 'gi';
  let pattern: RegExp;
  try {
    pattern = new RegExp(query.regex ? query.text : query.text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), flags);
  } catch (error) {
    return {
      error: (error instanceof Error ? error.message : String(error)).replace(/^Invalid regular expression: /, ''),
    };
  }
  const once = new RegExp(pattern.source, query.matchCase ? '' : 'i');
  return {
    test: (line) => once.test(line),
    ranges: (line, limit = 1000) => {
      const found: [number, number][] = [];
      pattern.lastIndex = 0;
      for (let match = pattern.exec(line); match && found.length < limit; match = pattern.exec(line)) {
        if (match[0] === '') pattern.lastIndex++;
        else found.push([match.index, match.index + match[0].length]);
      }
      return found;
    },
    acrossLines: query.regex ? undefined : new RegExp(pattern.source, flags),
  };
}
