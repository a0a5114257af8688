import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_LINE_LENGTH, parseLine } from '../../src/command/index.js';

const words = (line: string) =>
  parseLine(line).commands.map((c) => c.words.map((w) => (w.dynamic ? `<${w.text}>` : w.text)));
const first = (line: string) => words(line)[0];

describe('every command in a line is found', () => {
  it.each([
    ['rm x', 1],
    ['ls | rm x', 1],
    ['ls; rm x &', 1],
    ['ls && (cd /; { rm x; })', 1],
    ['for f in *; do rm x; done', 1],
    ['while rm x; do rm x; done', 2],
    ['until rm x; do :; done', 1],
    ['if rm x; then rm x; elif rm x; then rm x; else rm x; fi', 5],
    ['case $(rm x) in a) rm x;; esac', 2],
    ['select i in $(rm x); do rm x; done', 2],
    ['f() { rm x; }', 1],
    ['function f { rm x; }', 1],
    ['echo $(rm x) `rm x` <(rm x) >(rm x)', 4],
    ['echo "$(echo "$(rm x)")"', 1],
    ['a=$(rm x)', 1],
    ['a[$(rm x)]=1', 1],
    ['a=(1 $(rm x))', 1],
    ['declare a=$(rm x)', 1],
    ['ls > "$(rm x)"', 1],
    ['cat <<< "$(rm x)"', 1],
    ['cat <<E\n$(rm x)\nE\n', 1],
    ['[[ -n $(rm x) && a == $(rm x) ]]', 2],
    ['(( a = $(rm x) ))', 1],
    ['echo $((1 + $(rm x)))', 1],
    ['for ((i=$(rm x); i<2; i++)); do rm x; done', 2],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: shell, not a template
    ['echo ${x:-$(rm x)} ${y/$(rm x)/z}', 2],
    ['coproc rm x', 1],
    ['coproc c { rm x; }', 1],
    ['time rm x', 1],
    ['! rm x', 1],
    ['!(rm x)', 1],
    ['X=1 rm x', 1],
    ['echo \\`ls\\` `echo \\`rm x\\``', 1],
    ['command rm x', 1],
    ['command -p rm x', 1],
    ['exec -a name rm x', 1],
    ['exec -c -- rm x', 1],
    ['builtin command exec rm x', 1],
    ["eval 'rm x'", 1],
    ['eval eval \'"rm x"\'', 1],
    ['ls\nrm x', 1],
  ])('%s', (line, times) => {
    expect(parseLine(line).kind).toBe('ok');
    expect(words(line).filter((w) => w.join(' ') === 'rm x')).toHaveLength(times);
  });

  it.each([
    "cat <<'E'\n$(rm x)\nE\n",
    "echo '$(rm x)'",
    'echo \\$\\(rm x\\)',
    '# rm x',
    'a=1',
    '> f',
    '',
    'command -v rm',
  ])('what does not run is not: %s', (line) => expect(words(line).map((w) => w[0])).not.toContain('rm'));

  it('keeps the wrapper beside what it runs', () => {
    expect(words('exec rm x')).toEqual([
      ['exec', 'rm', 'x'],
      ['rm', 'x'],
    ]);
  });

  it('gives a command as it was typed', () => {
    expect(parseLine('ls; rm  "x y" # c').commands.map((c) => c.text)).toEqual(['ls', 'rm  "x y"']);
  });
});

describe('words', () => {
  it.each([
    ['r\\m "-r"f \'a b\'', ['rm', '-rf', 'a b']],
    ["$'\\x72\\155' $'a\\tb'", ['rm', 'a\tb']],
    ['a\\\nb', ['ab']],
    ['echo \'*\' \\* "?"', ['echo', '*', '*', '?']],
    ['echo "a\\$b"', ['echo', 'a$b']],
  ])('%s', (line, expected) => expect(first(line)).toEqual(expected));

  it.each([
    '$x',
    '"$x"',
    '*.c',
    'a?',
    '[ab]',
    '{a,b}',
    '{1..3}',
    '~',
    '~bob/x',
    'p=~/x',
    '$(ls)',
    '`ls`',
    '<(ls)',
    '$((1))',
    '@(a|b)',
    '$"x"',
    'a=(1)',
  ])('only known at run time: %s', (word) =>
    expect(parseLine(`declare ${word}`).commands[0]?.words[1]?.dynamic).toBe(true),
  );
});

describe('input that does not end', () => {
  it.each([
    "echo 'a",
    'echo "a',
    'echo \\',
    'echo \\\n',
    'echo $(ls',
    'echo `ls',
    'if true',
    'if true; then ls',
    'ls |',
    'ls | # c',
    'ls &&\n',
    'cat <<E\nx',
    'cat <<E',
    'echo $(cat <<E\nx',
    '{',
    '(',
    'f() {',
    'for x in a',
    'while true; do',
    'case x in',
    'a=(1',
    '[[ -f x',
    'echo ${x',
    'echo $[1+',
  ])('%j', (line) => expect(parseLine(line).kind).toBe('incomplete'));

  it.each(['ls # c \\', 'echo \\\\', '# foo \\'])('but these end: %j', (line) =>
    expect(parseLine(line).kind).toBe('ok'),
  );

  it('still tells the commands of the lines before', () => {
    expect(parseLine('rm x\nif true')).toMatchObject({ kind: 'incomplete', commands: [{ text: 'rm x' }, {}] });
  });
});

describe('input the shell refuses', () => {
  it.each(['fi', 'ls )', '| ls', 'ls >', 'ls ;; ls', '{ }', 'if true; then fi', 'for', 'echo $(ls ;; ls)'])(
    '%s',
    (line) => expect(parseLine(line).kind).toBe('bad'),
  );

  it('tells the commands of the lines before, which the shell runs first', () => {
    expect(words('rm x\nfi\nls')).toContainEqual(['rm', 'x']);
  });

  it('is also what is too long, too deep or holds NUL', () => {
    expect(parseLine(`echo ${'x'.repeat(MAX_LINE_LENGTH)}`).kind).toBe('bad');
    expect(parseLine('ls\0').kind).toBe('bad');
    expect(parseLine(`${'$('.repeat(5000)}ls${')'.repeat(5000)}`).kind).toBe('bad');
    expect(parseLine('ls;'.repeat(6000)).kind).toBe('bad');
  });
});

describe('whatever is typed', () => {
  const soup = fc
    .array(
      fc.constantFrom(
        '$(',
        ')',
        '`',
        '"',
        "'",
        '\\',
        '\n',
        '<<E',
        'E',
        '{',
        '}',
        'if',
        'fi',
        ' ',
        ';',
        '|',
        'rm',
        '[[',
        ']]',
        '((',
        '))',
        '${',
        '$[',
        '#',
        '!',
        'eval',
        '<(',
        'case',
        'esac',
        'in',
        '=',
        'a',
      ),
      { maxLength: 200 },
    )
    .map((parts) => parts.join(''));

  it('never throws and always knows', () => {
    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ unit: 'binary', maxLength: 300 })), (line) => {
        expect(['ok', 'bad', 'incomplete']).toContain(parseLine(line).kind);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    '$(',
    '${',
    '((',
    '"$(',
    '`',
    '{ ',
    '(',
    'eval ',
    '<<E ',
    '[[ ( ',
    '\\',
    "$'",
    'if ',
    '$[',
    '${x:-',
    'a[',
    '! ',
  ])('ends quickly on 64 KiB of %s', (piece) => {
    const line = piece.repeat(Math.floor(MAX_LINE_LENGTH / piece.length));
    // Processor time: others may be using the machine. Unit: microseconds.
    const before = process.cpuUsage();
    parseLine(line);
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
  });

  it('quoting changes nothing', () => {
    const argv = fc.array(
      fc.string({ unit: fc.constantFrom(...'rm-f x*?$"\'\\#!~{}|;&<>()é\t'), minLength: 1, maxLength: 8 }),
      {
        minLength: 1,
        maxLength: 5,
      },
    );
    fc.assert(
      fc.property(argv, fc.infiniteStream(fc.nat(3)), (words, styles) => {
        const style = styles[Symbol.iterator]();
        const line = words.map((word) => [...word].map((c) => quote(c, style.next().value)).join('')).join(' ');
        const result = parseLine(line);
        expect(result.kind).toBe('ok');
        expect(result.commands[0]?.words).toEqual(words.map((text) => ({ text })));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a hostile line costs little', () => {
  it.each(['$(', '<(', '${a[', '$((', '"$(', '>a ', '<', '((', '{ ', 'if a;then '])('full of %s', (piece) => {
    const line = piece.repeat(Math.floor((MAX_LINE_LENGTH - 1) / piece.length));
    const began = process.cpuUsage().user;
    expect(parseLine(line).kind).toBe('bad');
    expect((process.cpuUsage().user - began) / 1000).toBeLessThan(250);
  });

  it('while a long here-document full of brackets is read', () => {
    const body = '{ "a": [1, 2, { "b": (3) }] }\n'.repeat(2000);
    expect(parseLine(`cat > x <<'E'\n${body}E`).kind).toBe('ok');
  });
});

function quote(c: string, style: number | undefined): string {
  if (style === 0) return c === "'" ? "\\'" : `'${c}'`;
  if (style === 1) return `"${'$`"\\'.includes(c) ? '\\' : ''}${c}"`;
  if (style === 2) return `$'${c === "'" || c === '\\' ? '\\' : ''}${c}'`;
  return /[a-z]/.test(c) ? c : `\\${c}`;
}
