import type { ShellName } from '../core/shells.js';

/** What a shell runs itself when a name is typed; keywords are the parsers' business. */
const BUILTINS: Record<ShellName, ReadonlySet<string>> = {
  // bash 5.2, `enable -a`
  bash: names(
    '. : [ alias bg bind break builtin caller cd command compgen complete compopt continue declare dirs disown echo ' +
      'enable eval exec exit export false fc fg getopts hash help history jobs kill let local logout mapfile popd ' +
      'printf pushd pwd read readarray readonly return set shift shopt source suspend test times trap true type ' +
      'typeset ulimit umask unalias unset wait',
  ),
  // zsh 5.9, `${(k)builtins}` without the modifiers `-` and `noglob` and the parts of the completion system
  zsh: names(
    '. : [ alias autoload bg bindkey break builtin bye cd chdir command compctl continue declare dirs disable disown ' +
      'echo echotc echoti emulate enable eval exec exit export false fc fg float functions getln getopts hash history ' +
      'integer jobs kill let limit local log logout popd print printf private pushd pushln pwd r read readonly rehash ' +
      'return sched set setopt shift source suspend test times trap true ttyctl type typeset ulimit umask unalias ' +
      'unfunction unhash unlimit unset unsetopt vared wait whence where which zcompile zformat zle zmodload ' +
      'zparseopts zregexparse zstyle',
  ),
  // fish 3.6, `builtin -n` without its keywords
  fish: names(
    '. : [ _ abbr argparse bg bind block break breakpoint cd commandline complete contains continue count disown ' +
      'echo emit eval exec exit false fg functions history jobs math path printf pwd random read realpath return set ' +
      'set_color source status string test true type ulimit wait',
  ),
};

export function isBuiltin(name: string, shell: ShellName = 'bash'): boolean {
  return BUILTINS[shell].has(name);
}

function names(list: string): ReadonlySet<string> {
  return new Set(list.split(' '));
}
