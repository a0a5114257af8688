import { workplace, works } from '../../helpers/everyday.js';

/**
 * A day at the shell, both gates on, under the shipped policy: the right result, on a screen that shows nothing of ours.
 * A step is what is typed and what must then be seen.
 */
const place = workplace();

works(place, [
  {
    name: 'tab completion',
    files: { 'a-rather-long-name.txt': 'found\n', 'another.txt': '', 'bin/very-own-tool': '#!/bin/sh\necho own\n' },
    steps: [
      ['cat a-r\t\r', /^ready\$ cat a-rather-long-name.txt\s+found$/m],
      ['PATH=$PWD/bin:$PATH; clear\r', /^ready\$$/],
      ['very-o\t\r', /^own$/m],
      ['ls an\t\t', /ls another.txt$/],
      ['\x15ls a\t\t', /a-rather-long-name.txt +another.txt/],
      ["\x15complete -W 'staging production' deploy; deploy() { echo to $1; }\r", /\$$/],
      ['deploy pro\t\r', /^to production$/m],
    ],
  },
  {
    name: 'job control',
    steps: [
      ['sleep 1000 & sleep 2000 &\r', /\[2\] \d+/],
      ['jobs\r', /Running +sleep 1000 &\n.*Running +sleep 2000/],
      ['kill %1; wait %1; echo was=$?\r', /^was=143$/m],
      ['fg %2\r', /^sleep 2000$/m],
      ['\x1a', /Stopped +sleep 2000/],
      ['bg; clear; jobs\r', /Running +sleep 2000/],
      ['fg\r', /\nsleep 2000$/],
      ['\x03', /\^C\nready\$$/],
      ['echo was=$?\r', /^was=130$/m],
      ['(sleep 0.1; exit 3) & wait $!; echo was=$?\r', /^was=3$/m],
      ['cat | cat\r', /cat \| cat$/],
      ['through\r', /through\nthrough$/],
      ['\x04', /through\nready\$$/],
      ['(exit 7)\r', /\(exit 7\)\nready\$$/],
    ],
    status: 7,
  },
  {
    name: 'history: !!',
    steps: [
      ['echo one two\r', /^one two$/m],
      ['!!\r', /ready\$ echo one two\none two\nready\$ echo one two\none two\n/],
      ['clear; echo !$\r', /^clear; echo two\ntwo$|^two$/m],
      ['clear\r', /^ready\$$/],
      ['echo right\r', /^right$/m],
      ['^right^left\r', /^left$/m],
      ['!echo:s/left/again/\r', /^again$/m],
      ['\x12one tw', /reverse-i-search.*echo one two/],
      ['\r', /^one two$/m],
      ['history 2 | cat\r', /\d+ +echo one two\n +\d+ +history 2/],
    ],
  },
  {
    name: 'a multi-line paste',
    steps: [
      [{ paste: 'for i in 1 2 3; do\n  echo "line $i"\ndone\necho after\n' }, /echo after/],
      ['\r', /^line 1\nline 2\nline 3\nafter$/m],
      ['clear\r', /^ready\$$/],
      ['bind "set enable-bracketed-paste off"; clear\r', /^ready\$$/],
      [{ paste: 'if true\nthen\n  echo raw\nfi\necho end-$((40+2))\n' }, /^raw\n.*echo end.*\nend-42\nready\$$/m],
    ],
  },
  {
    name: 'here-documents',
    steps: [
      ['cat <<X | tr a-z A-Z\rone $((1+1))\r$HOME rm -rf /\rX\r', /^ONE 2\n.* RM -RF \/$/m],
      ["cat <<'X'\r$HOME `rm -r x`\rX\r", /^\$HOME `rm -r x`$/m],
      ['cat <<-X\r\x16\t\x16\tin\rX\r', /^in$/m],
      ['cat > f <<X; wc -l < f\r1\r2\r3\rX\r', /^3$/m],
      ['cat <<< "a string"\r', /^a string$/m],
    ],
  },
  {
    name: 'read -e',
    steps: [
      ["read -e -p 'name: ' x\r", /^name:$/m],
      ['rm -r worlx\x7fd\r', /ready\$$/],
      ['echo "<$x>"\r', /^<rm -r world>$/m],
      ['read -e -i preset y\r', /\npreset$/],
      ['!\r', /ready\$$/],
      ['echo "<$y>"\r', /^<preset!>$/m],
      ['clear; while read -e -p \'> \' z && [ "$z" ]; do echo "[$z]"; done\r', /^>$/m],
      ['one\rtwo\r\r', /^> one\n\[one\]\n> two\n\[two\]\n>\nready\$$/m],
    ],
  },
  {
    name: 'vi mode',
    steps: [
      ['set -o vi\r', /set -o vi\nready\$$/],
      ['echo wrnog\x1bbcwright\x1b\r', /^right$/m],
      ['\x1bkcwprintf "%s\\n"\x1b\r', /^right\nready\$ printf.*\nright$/m],
      ['\x1b/rnog\r', /ready\$/],
      ['\x1bddiecho end\r', /^end$/m],
    ],
  },
  {
    name: 'set -x',
    steps: [
      ['set -x\r', /set -x\nready\$$/],
      ['echo one | tr o O\r', /^ready\$ echo one \| tr o O\n(\+ (echo one|tr o O)\n){2}One\nready\$$/m],
      ['x=1; [ $x = 1 ] && echo yes\r', /^\+ x=1\n\+ '\[' 1 = 1 '\]'\n\+ echo yes\nyes\nready\$$/m],
      ['set +x\r', /^\+ set \+x\nready\$$/m],
    ],
  },
  {
    name: 'a script that traps every signal',
    files: {
      script: `#!/bin/bash
got=()
for n in {1..64}; do
  case $n in 9 | 19 | 32 | 33) continue ;; esac
  trap "got+=($n)" $n
done
trap 'echo "$(printf "%s\\n" "\${got[@]}" | sort -nu | wc -l) kinds"; exit 5' EXIT
for n in {1..64}; do
  case $n in 9 | 11 | 17 | 19 | 32 | 33) continue ;; esac
  kill -$n $$
done
`,
    },
    steps: [
      ['./script; echo was=$?\r', /^(58|59) kinds\nwas=5$/m],
      ['echo still $$ | wc -w\r', /^2$/m],
    ],
  },
]);
