import type { Problem } from '../core/errors.js';

/** A model that was checked: the shipped one, perhaps narrowed. */
export interface CheckedModel {
  /** Canonical text of the model; checks again to the same. */
  text: string;
  /** The model as casbin gets it: narrowed for allow rules only, and noting every rule that matches. */
  casbin: string;
}

const MATCHER =
  'runs(r.ask, p.command, p.eft) && onTarget(r.ask, p.target) && holds(r.ask, p.role) && when(r.ask, p.when, p.eft)';

const SHIPPED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  request_definition: { r: 'user, target, command, ask' },
  policy_definition: { p: 'id, role, target, command, when, eft, children' },
  role_definition: { g: '_, _', g2: '_, _' },
  policy_effect: { e: 'some(where (p.eft == allow)) && !some(where (p.eft == deny))' },
  matchers: { m: MATCHER },
};

/** The shipped model. */
export const SHIPPED_MODEL: string = render(MATCHER);

interface Setting {
  section: string;
  key: string;
  value: string;
  line: number;
}

/**
 * A model may only be the shipped one, its matcher narrowed by `&& (…)`. Casbin itself would take far more: effects
 * it then ignores, matchers that allow on an empty policy, regular expressions that run for seconds.
 */
export function checkModel(text: string, file: string): { model?: CheckedModel; problems: Problem[] } {
  const problems: Problem[] = [];
  const error = (message: string, line?: number) =>
    problems.push({ file, ...(line === undefined ? {} : { line }), message, severity: 'error' });
  const settings = readSettings(text, error);
  let narrowing = '';
  for (const setting of settings.values()) {
    const shipped = SHIPPED[setting.section]?.[setting.key] as string;
    if (setting.key !== 'm') {
      if (squeeze(setting.value) !== squeeze(shipped)) error(`${setting.key} must be: ${shipped}`, setting.line);
      continue;
    }
    const extra = narrowingOf(setting.value);
    if (typeof extra === 'string') narrowing = extra;
    else error(extra.wrong, setting.line);
  }
  // What is misspelt is missing too; the line that says where is enough.
  const whole = problems.length === 0;
  for (const [section, keys] of Object.entries(whole ? SHIPPED : {})) {
    for (const key of Object.keys(keys)) if (!settings.has(key)) error(`${key} is missing from [${section}]`);
  }
  return problems.length > 0 ? { problems } : { model: build(narrowing), problems };
}

function readSettings(text: string, error: (message: string, line: number) => void): Map<string, Setting> {
  const settings = new Map<string, Setting>();
  let section = '';
  text.split('\n').forEach((raw, index) => {
    const content = raw.trim();
    const line = index + 1;
    if (content === '' || content.startsWith('#')) return;
    const header = /^\[(\w+)\]$/.exec(content)?.[1];
    if (header !== undefined) section = header;
    if (header !== undefined && !Object.hasOwn(SHIPPED, section))
      error(`[${section}] is no section of this model`, line);
    if (header !== undefined) return;
    const [, key, value] = /^(\w+)\s*=(.*)$/.exec(content) ?? [];
    if (key === undefined || value === undefined) error('neither a [section] nor key = value on one line', line);
    else if (!Object.hasOwn(SHIPPED[section] ?? {}, key)) error(`${key} does not belong in [${section}]`, line);
    else if (settings.has(key)) error(`${key} is set twice`, line);
    else settings.set(key, { section, key, value: value.trim(), line });
  });
  return settings;
}

/** What follows the shipped matcher, checked; or what is wrong. */
function narrowingOf(matcher: string): string | { wrong: string } {
  const rest = afterShipped(matcher);
  if (rest === undefined) return { wrong: `the matcher must start with the shipped one: ${MATCHER}` };
  const tokens = tokenize(rest);
  if ('wrong' in tokens) return tokens;
  return areGroups(tokens.tokens)
    ? tokens.tokens.join(' ')
    : { wrong: 'after the shipped matcher only && ( … ) may follow, which narrows it' };
}

function afterShipped(matcher: string): string | undefined {
  const shipped = squeeze(MATCHER);
  let at = 0;
  for (const c of shipped) {
    while (/\s/.test(matcher[at] ?? '')) at++;
    if (matcher[at++] !== c) return undefined;
  }
  return matcher.slice(at);
}

const TOKEN =
  /\s*(&&|\|\||==|!=|!|\(|\)|r\.(?:user|target|command)\b|p\.(?:id|role|target|command|when|eft|children)\b|"[^"'\\#]*"|'[^"'\\#]*')/y;

function tokenize(text: string): { tokens: string[] } | { wrong: string } {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const end = text.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex;
    const token = TOKEN.exec(text)?.[1];
    if (token === undefined) return { wrong: `the matcher may not hold: ${text.slice(from, from + 20).trim()}` };
    // Casbin rewrites `r.` and `p.` wherever they stand, also in strings.
    if (/^["'].*\b[rp]\d*\./.test(token)) return { wrong: `a string may not hold r. or p.: ${token}` };
    tokens.push(token);
  }
  return { tokens };
}

/** `&& ( … )`, any number of times, each group closing before the next begins. */
function areGroups(tokens: readonly string[]): boolean {
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    if (depth === 0 && (token !== '&&' || tokens[at + 1] !== '(') && (token !== '(' || tokens[at - 1] !== '&&'))
      return false;
    if (token === '(') depth++;
    if (token === ')') depth--;
  }
  return depth === 0;
}

function build(narrowing: string): CheckedModel {
  const extra = narrowing.replace(/^&&/, '').trim();
  const narrowed = extra === '' ? '' : ` && (p.eft == "deny" || (${extra}))`;
  return {
    text: render(extra === '' ? MATCHER : `${MATCHER} && ${extra}`),
    casbin: render(`${MATCHER}${narrowed} && matched(r.ask, p.id)`),
  };
}

function render(matcher: string): string {
  return Object.entries(SHIPPED)
    .map(([section, keys]) => {
      const lines = Object.entries(keys).map(([key, value]) => `${key} = ${key === 'm' ? matcher : value}\n`);
      return `[${section}]\n${lines.join('')}`;
    })
    .join('\n');
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, '');
}
