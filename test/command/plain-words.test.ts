import { describe, expect, it } from 'vitest';
import { plainWords } from '../../src/command/index.js';

describe('one command of plain words', () => {
  it('is its words, with quotes removed and nothing expanded', () => {
    const words = (text: string) => plainWords(text)?.slice(1);
    expect(words(`sallyport grant bob --target prod/* --reason 'it is'`)).toEqual(
      ['grant', 'bob', '--target', 'prod/*', '--reason', 'it is'], //
    );
    expect(words(`  sallyport "a b" c\\ d $'e\\tf' '$x;|' \n`)).toEqual(['a b', 'c d', 'e\tf', '$x;|']);
    expect(words('sallyport {a,b} [x] a?b ~/x -- x=1 --for=1h ""')).toEqual(
      ['{a,b}', '[x]', 'a?b', '~/x', '--', 'x=1', '--for=1h', ''], //
    );
    expect(words('sallyport')).toEqual([]);
  });

  it.each([
    'sallyport status; id',
    'sallyport status;',
    'sallyport status\nid',
    'sallyport status &',
    'sallyport status && id',
    'sallyport status | cat',
    'sallyport status > /tmp/x',
    'sallyport status 2>&1',
    'sallyport x < /etc/passwd',
    'sallyport x <<< y',
    'X=1 sallyport status',
    'sallyport $x',
    'sallyport "$x"',
    'sallyport "a $(id)"',
    'sallyport `id`',
    `sallyport $\{x:-y}`,
    'sallyport $((1+1))',
    'sallyport <(id)',
    'sallyport [$x]',
    'sallyport [$(id)]',
    'sallyport {a,$(id)}',
    'sallyport @($(id))',
    'sallyport status # x',
    '! sallyport status',
    'time sallyport status',
    'coproc sallyport',
    '(sallyport status)',
    '{ sallyport status; }',
    'sallyport() { :; }',
    "sallyport 'a",
    'sallyport a\0b',
    '',
    '#sallyport',
  ])('is not %j', (text) => {
    expect(plainWords(text)).toBeUndefined();
  });
});
