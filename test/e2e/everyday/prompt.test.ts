// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are a shell's
import { lay, workplace, works } from '../../helpers/everyday.js';

/** Prompts that start programs, each from an rc file of the engineer's own that a nested login shell reads. */
const place = workplace((home) => {
  lay(home, 'bin/star', STAR);
  lay(home, 'star.bash', HOOKS);
});

/** Prints a prompt from what it is told, as prompt programs do; `star time` is for how long a command took. */
const STAR = `#!/bin/bash
case $1 in
time) printf '%s' "\${EPOCHREALTIME/[.,]/}" ;;
prompt) printf '%s|s=%s p=%s j=%s t=%s\\n> ' "$(git branch --show-current 2>/dev/null)" "$2" "$3" "$4" "$5" ;;
esac
`;

/** As prompt frameworks hook themselves in: a DEBUG trap before each command, PROMPT_COMMAND after it. */
const HOOKS = `PATH=$HOME/bin:$PATH
star_before() {
  local last=$1
  [[ -n \${COMP_LINE-} ]] && return
  if [[ $star_ready == yes ]]; then star_ready=no; star_began=$(star time); fi
  : "$last"
}
star_after() {
  local status=$? pipes="\${PIPESTATUS[*]}" jobs=0 job took=none
  [[ -n $star_began ]] && took=$(($(star time) - star_began)) && took=$((took >= 200000))
  for job in $(jobs -p); do [[ -n $job ]] && jobs=$((jobs + 1)); done
  PS1=$(star prompt "$status" "\${pipes// /,}" "$jobs" "$took")' '
  star_began='' star_ready=yes
}
trap 'star_before "$_"' DEBUG
PROMPT_COMMAND=star_after
`;
const repo = 'git init -qb main . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x';

works(place, [
  {
    name: 'git with a prompt that calls it',
    steps: [
      [`PS1='[$(git branch --show-current 2>/dev/null)]ready$ '\r`, /^\[\]ready\$$/m],
      [`${repo}\r`, /^\[main\]ready\$$/m],
      ['git config user.name a; git config user.email a@b; clear\r', /^\[main\]ready\$$/],
      ['git switch -c topic\r', /Switched to a new branch 'topic'\n\[topic\]ready\$$/],
      [
        'echo text > file; git add .; git commit -m "One file"\r',
        /1 file changed, 1 insertion.*\n.*\n\[topic\]ready\$$/,
      ],
      ['git -p log --oneline\r', /One file[\s\S]*\[topic\]ready\$$|One file[\s\S]*(END|:)$/],
      ['q\x15git switch -q main; git merge topic\r', /Fast-forward[\s\S]*\[main\]ready\$$/],
      ['git stash list; git status -sb\r', /^## main$/m],
      ['git worktree add -q ../tree topic; ls ../tree\r', /^file$/m],
      ['echo more >> file; git diff --stat | cat\r', /file \| 1 \+/],
      ['git rev-parse --verify -q nothing\r', /nothing\n\[main\]ready\$$/],
    ],
    status: 1,
  },
  {
    name: "a prompt of starship's kind",
    steps: [
      [`${repo}; . ~/star.bash\r`, /^main\|s=0 p=0 j=0 t=none\n>$/m],
      ['true | false\r', /^main\|s=1 p=0,1 j=0 t=\d\n>$/m],
      ['sleep 0.3\r', /^main\|s=0 p=0 j=0 t=1\n>$/m],
      ['sleep 100 &\r', /^main\|s=0 p=0 j=1 t=\d\n>$/m],
      ['kill %1; wait 2>/dev/null; git switch -qc other\r', /^other\|s=0 p=0 j=0 t=\d\n>$/m],
      ['echo a b; echo "<$_>"\r', /^a b\n<b>$/m],
      ['sh -c "exit 9"\r', /^other\|s=9 p=9 j=0 t=\d\n>$/m],
    ],
    status: 9,
  },
  {
    name: 'a prompt with escapes, a right side and a title',
    steps: [
      [
        `PS1='\\[\\e]0;\\w\\a\\]\\[\\e[32m\\]\\u:\\W \\j $?\\[\\e[0m\\]> '; PS0='\\[\\e[0m\\]'\r`,
        /\w+:a-prompt-with-\S* 0 0>$/,
      ],
      ['false\r', / 0 1>$/],
      [
        'echo a very long line that goes on and on until it wraps around the right edge of the screen, twice if it must\r',
        /^a very long line.*\ntwice if it must$|^a very long line/m,
      ],
    ],
  },
]);
