/** Which environment variables a client may set. What loaders, shells and interpreters obey is never among them. */

/** Ends in `*`: every name that starts so. */
const NEVER = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'IFS',
  'ENV',
  'BASH*',
  'SHELLOPTS',
  'PS4',
  'PROMPT_COMMAND',
  'FPATH',
  'ZDOTDIR',
  'LD_*',
  'DYLD_*',
  'GLIBC_*',
  'MALLOC_*',
  'GCONV_PATH',
  'LOCPATH',
  'NLSPATH',
  'HOSTALIASES',
  'RES_OPTIONS',
  'TMPDIR',
  'PYTHON*',
  'PERL*',
  'RUBY*',
  'NODE_*',
  'JAVA_*',
  'JDK_*',
  '_JAVA_OPTIONS',
  'LUA_*',
  'PHP*',
  'GIT_*',
  'EDITOR',
  'VISUAL',
  'PAGER',
  'LESS*',
  'MANPAGER',
  'BROWSER',
  'TERMINFO*',
  'TERMCAP',
  'SSH_*',
  'SUDO_*',
  'SALLYPORT_*',
  'KRB5*',
  'XDG_*',
];

const PATTERN = /^[A-Za-z_][A-Za-z0-9_]*\*?$/;

/** What is wrong with an entry of `env`; undefined when nothing is. */
export function badEnvPattern(pattern: string): string | undefined {
  if (!PATTERN.test(pattern))
    return `${JSON.stringify(pattern)} is not a variable's name, or the start of one with * at its end`;
  const clash = NEVER.find((never) => overlap(pattern, never));
  if (clash === undefined) return undefined;
  return `${pattern} would let clients set ${clash}, which changes what programs load or do: remove it or be more exact`;
}

/** Whether a client may set `name`, by the configuration's `env`. */
export function envAllowed(patterns: readonly string[], name: string): boolean {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || NEVER.some((never) => matches(never, name))) return false;
  return patterns.some((pattern) => matches(pattern, name));
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** Whether some name matches both. */
function overlap(a: string, b: string): boolean {
  const aOpen = a.endsWith('*');
  const bOpen = b.endsWith('*');
  const aText = aOpen ? a.slice(0, -1) : a;
  const bText = bOpen ? b.slice(0, -1) : b;
  if (aOpen && bOpen) return aText.startsWith(bText) || bText.startsWith(aText);
  if (aOpen) return bText.startsWith(aText);
  return bOpen ? aText.startsWith(bText) : aText === bText;
}
