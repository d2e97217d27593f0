import { describe, expect, it } from 'vitest';
import type { ContainerConfig } from '../../api/container.ts';
import { invalid } from '../../api/errors.ts';
import { applyChanges } from './apply-changes.ts';

const checks = {
  signal: (text: string) => {
    if (!/^(SIG)?(TERM|KILL)$|^\d+$/.test(text)) throw invalid(`invalid signal: ${text}`);
  },
};
const apply = (changes: string[], config: ContainerConfig = {}) => applyChanges(config, changes, checks);

describe('changes', () => {
  it('take what Docker takes', () => {
    expect(apply(['CMD ["a", "b c"]']).Cmd).toEqual(['a', 'b c']);
    expect(apply(['cmd echo  "hi there"']).Cmd).toEqual(['/bin/sh', '-c', 'echo  "hi there"']);
    expect(apply(['CMD [1'])).toEqual({ Cmd: ['/bin/sh', '-c', '[1'] });
    expect(apply(['CMD x'], { Shell: ['/bin/bash', '-e'] }).Cmd).toEqual(['/bin/bash', '-e', 'x']);
    expect(apply(['EXPOSE 80 53/udp 8000-8002/tcp']).ExposedPorts).toEqual({
      '80/tcp': {},
      '53/udp': {},
      '8000/tcp': {},
      '8001/tcp': {},
      '8002/tcp': {},
    });
    expect(apply(['USER 1:2', 'STOPSIGNAL SIGKILL'])).toEqual({ User: '1:2', StopSignal: 'SIGKILL' });
    expect(apply(['VOLUME /a /b', 'VOLUME ["/c d"]']).Volumes).toEqual({ '/a': {}, '/b': {}, '/c d': {} });
    expect(apply(['ONBUILD RUN make all', 'onbuild   COPY . /x'], { OnBuild: ['USER x'] }).OnBuild).toEqual([
      'USER x',
      'RUN make all',
      'COPY . /x',
    ]);
  });

  it('put variables in, as they were before the instruction', () => {
    const config = { Env: ['A=1', 'B=x y'] };
    expect(apply(['ENV A=2 C=$A D="$B" E=\'$B\''], config).Env).toEqual(['A=2', 'B=x y', 'C=1', 'D=x y', 'E=$B']);
    expect(apply(['ENV old style  value'], config).Env).toEqual(['A=1', 'B=x y', 'old=style  value']);
    expect(apply(['ENV P=80', 'EXPOSE $P ${P}1'], config).ExposedPorts).toEqual({ '80/tcp': {}, '801/tcp': {} });
    expect(apply(['LABEL "a b"="c d" e=$A'], config).Labels).toEqual({ 'a b': 'c d', e: '1' });
    expect(apply(['WORKDIR /$A', 'WORKDIR ../b', 'WORKDIR c'], config).WorkingDir).toBe('/b/c');
    expect(config).toEqual({ Env: ['A=1', 'B=x y'] });
  });

  it('let an entrypoint take an older command away, but not one given with it', () => {
    expect(apply(['ENTRYPOINT ["/e"]'], { Cmd: ['old'] })).toEqual({ Entrypoint: ['/e'], Cmd: null });
    expect(apply(['CMD ["new"]', 'ENTRYPOINT ["/e"]'], { Cmd: ['old'] })).toEqual({
      Entrypoint: ['/e'],
      Cmd: ['new'],
    });
    expect(apply(['ENTRYPOINT []'], { Entrypoint: ['/e'] }).Entrypoint).toBeNull();
  });

  it('read a health check with its options', () => {
    expect(
      apply(['HEALTHCHECK --interval=5s --timeout=1m30s --start-period=500ms --retries=3 CMD curl -f x']).Healthcheck,
    ).toEqual({
      Test: ['CMD-SHELL', 'curl -f x'],
      Interval: 5e9,
      Timeout: 90e9,
      StartPeriod: 5e8,
      Retries: 3,
    });
    expect(apply(['HEALTHCHECK CMD ["a","b"]']).Healthcheck).toEqual({ Test: ['CMD', 'a', 'b'] });
    expect(apply(['HEALTHCHECK NONE']).Healthcheck).toEqual({ Test: ['NONE'] });
  });

  it('may be continued, commented, and several in one', () => {
    expect(apply(['# a comment\nENV A=1 \\\n  # within\n\n  B=2\nUSER me']).Env).toEqual(['A=1', 'B=2']);
    expect(apply(['# escape=`', 'ENV A=a`\n b=c\\d']).Env).toEqual(['A=a', 'b=c\\d']);
  });

  it.each([
    ['RUN x', 'RUN is not a valid change command'],
    ['fRoM x', 'fRoM is not a valid change command'],
    ['SHELL ["x"]', 'SHELL is not a valid change command'],
    ['nonsense', 'nonsense is not a valid change command'],
    ['', 'file with no instructions'],
    ['ENV A', 'ENV must have two arguments'],
    ['ENV', 'ENV requires at least one argument'],
    ['ENV a=1 b', 'Syntax error - can\'t find = in "b". Must be of the form: name=value'],
    ['LABEL =x', 'LABEL names can not be blank'],
    ['CMD [1]', 'when using JSON array syntax, arrays must be comprised of strings only'],
    ['USER', 'USER requires exactly one argument'],
    ['WORKDIR $NONE', 'cannot normalize nothing'],
    ['EXPOSE', 'EXPOSE requires at least one argument'],
    ['EXPOSE abc', 'invalid containerPort: abc'],
    ['EXPOSE 70000', 'invalid containerPort: 70000'],
    ['EXPOSE 80/xyz', 'invalid proto: xyz'],
    ['VOLUME [""]', 'VOLUME specified can not be an empty string'],
    ['STOPSIGNAL nope', 'invalid signal: nope'],
    ['ONBUILD ONBUILD RUN x', "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
    ['ONBUILD FROM x', "FROM isn't allowed as an ONBUILD trigger"],
    ['HEALTHCHECK', 'HEALTHCHECK requires at least one argument'],
    ['HEALTHCHECK CMD', 'Missing command after HEALTHCHECK CMD'],
    ['HEALTHCHECK TRY x', 'Unknown type "TRY" in HEALTHCHECK (try CMD)'],
    ['HEALTHCHECK --retries=-1 CMD x', '--retries cannot be negative (-1)'],
    ['HEALTHCHECK --interval=5 CMD x', 'time: missing unit in duration "5"'],
    ['HEALTHCHECK --interval=x CMD x', 'time: invalid duration "x"'],
    ['HEALTHCHECK --nope=1 CMD x', 'unknown flag: --nope'],
    ['USER --flag x', 'unknown flag: --flag'],
    ['ENV A=${B', 'failed to process "${B": syntax error: missing \'}\''],
    ['ENV A="x', 'unexpected end of statement while looking for matching double-quote'],
  ])('refuse %j', (change, message) => {
    expect(() => apply([change])).toThrow(
      expect.objectContaining({ kind: 'invalid-parameter', message: expect.stringContaining(message) as string }),
    );
  });
});
