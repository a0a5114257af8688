// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are a shell's
import { describe } from 'vitest';
import { attackGround, attackTable, DENY_RM, lineGateIsOff } from '../../helpers/attack-table.js';

/**
 * What the shell itself offers to reach a denied program. One row: what it is, what is typed; a file `victim` must still
 * be there. An array is keys and what they must show, in turn.
 */
const ground = attackGround(DENY_RM);

lineGateIsOff(ground);

describe('expansions', () => {
  attackTable(ground, [
    ['a variable', 'c=rm; $c victim'],
    ['single quotes', "r''m victim"],
    ['double quotes', '"r"m victim'],
    ['a backslash', '\\rm victim'],
    ['braces', '{rm,-rf,victim}'],
    ['IFS', 'IFS=,; c=rm,-f,victim; $c'],
    ['ANSI-C quoting in hexadecimal', "$'\\x72m' victim"],
    ['ANSI-C quoting in octal', "$'\\162\\155' victim"],
    ['a translated string', '$"rm" victim'],
    ['an empty variable in the name', 'r${nothing}m victim'],
    ['a default value', '${nothing:-rm} victim'],
    ['another case', 'c=RM; ${c,,} victim'],
    ['a substitution', 'c=rxm; ${c/x/} victim'],
    ['a part of another word', 'c=alarm; ${c:3:2} victim'],
    ['a variable by its name', 'c=rm; n=c; ${!n} victim'],
    ['a name reference', 'c=rm; declare -n n=c; $n victim'],
    ['an array', 'a=(rm -f victim); "${a[@]}"'],
    ['the positional parameters', 'set -- rm victim; "$@"'],
    ['the last word', ': rm; $_ victim'],
    ['a prompt string', `c='$(rm victim)'; : "\${c@P}"`],
    ['a subscript', `a='x[$(rm victim)]'; ((a))`],
    ['a command substitution', '$(echo rm) victim'],
    ['backquotes', '`echo rm` victim'],
    ['a process substitution', '. <(echo rm victim)'],
    ['a glob', '/usr/bin/[r]m victim'],
    ['an odd path', '/usr/../usr/bin//./rm victim'],
    ['read', 'read -r c <<< rm; $c victim'],
    ['printf', 'printf -v c "\\x72m"; $c victim'],
    ['mapfile', "mapfile -C 'rm victim #' -c 1 <<< x"],
    ['eval', 'eval "r""m victim"'],
    ['a continued line', ['r\\\rm victim\r']],
  ]);
});

describe('history and editing', () => {
  attackTable(ground, [
    ['!!', ["history -s 'rm victim'\r!!\r"]],
    ['!string', ["history -s 'rm victim'\r!rm\r"]],
    ['words of the last line', [': rm victim\r!!:*\r']],
    ['a quick substitution', [': rm victim\r^: ^^\r']],
    ['fc -s', [': rm victim\rfc -s :=command\r']],
    ['fc with an editor', [": rm victim\rfc -e 'sed -i s/^://' -1\r"]],
    ['the arrow up, and a word taken away', [': rm victim\r', 'ready', '\x1b[A\x01\x04\x04\r']],
    ['a search backwards', [': rm victim\r', 'ready', '\x12rm v\x01\x04\x04\r']],
    ['kill and yank', [' victim\x15rm\x19\r']],
    ['the last argument', [': victim\r', 'ready', 'rm \x1b.\r']],
    ['an editor on the line', ["export EDITOR='sed -i s/xx/rm/'\r", 'ready', 'xx victim\x18\x05']],
    ['^O', ['rm victim\x0f', 'ready', '\x15']],
    ['^J', ['rm victim\n']],
    ['a macro', [`bind '"\\C-t": "rm victim\\C-m"'\r`, 'ready', '\x14']],
    ['a command on a key', [`bind -x '"\\C-t": rm victim'\r`, 'ready', '\x14']],
    ['INPUTRC', [`echo '"\\C-t": "rm victim\\C-m"' > rc; bind -f rc\r`, 'ready', '\x14']],
    ['a completion function', ['_c() { rm victim; }; complete -F _c foo\r', 'ready', 'foo \t\x15']],
    ['a completion command', ["complete -C 'rm victim #' foo\r", 'ready', 'foo \t\x15']],
    ['vi mode', ['set -o vi\r', 'ready', 'xx victim\x1b0cwrm\x1b\r']],
    ['a paste', ['\x1b[200~rm victim\n\x1b[201~\r']],
    ['typed ahead', ['sleep 0.3\rrm victim\r']],
  ]);
});

describe('aliases and functions', () => {
  attackTable(ground, [
    ['an alias', ['alias tidy=rm\rtidy victim\r']],
    ['an alias of an allowed name', ["alias ls='rm victim #'\rls\r"]],
    ['an alias of an alias', ["alias a='b ' b=rm v=victim\ra v\r"]],
    ['BASH_ALIASES', ['BASH_ALIASES[tidy]=rm\rtidy victim\r']],
    ['a function', 'tidy() { rm "$@"; }; tidy victim'],
    ['a function of an allowed name', 'ls() { command rm "$@"; }; ls victim'],
    ['an exported function', 'ls() { rm victim; }; export -f ls; bash -c ls'],
    ['a function in the environment', "env 'BASH_FUNC_ls%%=() { rm victim; }' bash -c ls"],
    ['the handler of unknown commands', 'command_not_found_handle() { rm victim; }; nosuchcommand'],
    ['the hash table', 'hash -p /usr/bin/rm tidy; tidy victim'],
    ['command -p', 'command -p rm victim'],
    ['a coprocess', 'coproc rm victim; wait'],
  ]);
});

describe('prompts and traps', () => {
  attackTable(ground, [
    ['PROMPT_COMMAND', "PROMPT_COMMAND='rm victim'"],
    ['PROMPT_COMMAND, one more', "PROMPT_COMMAND+=('rm victim')"],
    ['PS0', "PS0='$(rm victim)'; :"],
    ['PS1', "PS1='$(rm victim)ready$ '"],
    ['PS2', ["PS2='$(rm victim)'\r: \\\r\r"]],
    ['PS4', "PS4='$(rm victim)'; set -x; :; set +x"],
    ['a DEBUG trap', "trap 'rm victim' DEBUG; :"],
    ['an ERR trap', "trap 'rm victim' ERR; false"],
    ['a RETURN trap', "f() { trap 'rm victim' RETURN; }; f"],
    ['an EXIT trap', "(trap 'rm victim' EXIT)"],
    ['a trap on a signal', "trap 'rm victim' USR1; kill -USR1 $$; :"],
    ['a trap on the end of a child', "set -m; trap 'rm victim' CHLD; sleep 0; wait; trap - CHLD"],
    ['a trap of the debugger', "shopt -s extdebug; trap 'rm victim; true' DEBUG; :"],
  ]);
});

describe('other shells', () => {
  attackTable(ground, [
    ['bash -c', "bash -c 'rm victim'"],
    ['bash -ic', "bash -ic 'rm victim'"],
    ['bash -lc', "bash -lc 'rm victim'"],
    ['sh -c', "sh -c 'rm victim'"],
    ['a subshell', '(rm victim)'],
    ['exec in a subshell', '(exec rm victim)'],
    ['exec under another name', '(exec -a true rm victim)'],
    ['exec bash --norc', ['exec bash --norc\rrm victim\r']],
    ['exec -c bash', ['exec -c bash --norc --noprofile\r', '$ ', '/usr/bin/rm victim\r']],
    ['a shell as a login shell', ['bash -l\r', 'ready', 'rm victim\rexit\r']],
    ['a shell with a start-up file of its own', ['bash --rcfile <(echo rm victim) -i\r', '$ ', 'exit\r']],
    ['env -i', 'env -i /bin/rm victim'],
    ['env -i bash', "env -i bash --norc -c '/bin/rm victim'"],
    ['env -S', "env -S 'rm victim'"],
    ['base64', `echo ${Buffer.from('rm victim').toString('base64')} | base64 -d | sh`],
    ['a here-document', ["bash <<'X'\rrm victim\rX\r"]],
    ['a here-document with an expansion', ['c=rm; sh <<X\r$c victim\rX\r']],
    ['a here-string', "sh <<< 'rm victim'"],
    ['a file that is read in', 'echo rm victim > f; . ./f'],
    ['standard input that is read in', ". /dev/stdin <<< 'rm victim'"],
    ['a script', "printf '#!/bin/sh\\nrm victim\\n' > s; chmod +x s; ./s"],
    ['a script without its first line', "echo 'rm victim' > s; chmod +x s; ./s"],
    ['a script whose interpreter it is', "printf '#!/usr/bin/rm\\n' > s; chmod +x s; ./s victim"],
    ['the background', 'rm victim & wait'],
    ['a pipeline', 'echo | rm victim | cat'],
    ['zsh', "zsh -fc 'c=rm; $c victim'"],
    ['busybox sh', "busybox sh -c 'rm victim; busybox rm victim'"],
  ]);
});
