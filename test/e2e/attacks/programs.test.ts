import { describe } from 'vitest';
import { attackGround, attackTable, DENY_RM, py } from '../../helpers/attack-table.js';

/** Allowed programs that start others: a file `victim` must still be there. An array is keys and what they must show. */
const ground = attackGround(DENY_RM);

describe('editors and pagers', () => {
  attackTable(ground, [
    ['vim -c', "vim -es -c ':!rm victim' -c q"],
    ['vim, typed into', ['vim\r', '~', ':!rm victim\r', 'Press ENTER', '\r:q\r']],
    ['a function of vim', `vim -es -c 'call system("rm victim")' -c q`],
    ['a filter in vim', ['vim -u NONE file\r', '~', 'ix\x1b:%!rm victim\r:q!\r']],
    ['a job of vim', `vim -es -c 'call job_start("rm victim")' -c 'sleep 300m' -c q`],
    ['less', ['less /etc/passwd\r', 'root:', '!rm victim\r', 'done', '\rq']],
    ['less, its pipe', ['less /etc/passwd\r', 'root:', 'ma', '', '|arm victim\r', 'done', '\rq']],
    ['LESSOPEN', "LESSOPEN='|rm victim; cat %s' less -FX /etc/hostname"],
    ['LESSEDIT', ["LESSEDIT='rm victim' less /etc/passwd\r", 'root:', 'v\r', '', 'q\r']],
    ['MANPAGER', "echo '.TH X 1' > x.1; MANPAGER='rm victim' man ./x.1"],
    ['man -P', "echo '.TH X 1' > x.1; man -P 'rm victim' ./x.1"],
    ['sed', "echo x | sed '1e rm victim'"],
  ]);
});

describe('git', () => {
  const repo = 'git init -q .; git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x;';
  attackTable(ground, [
    ['git -p', `${repo} GIT_PAGER='rm victim' git -p log`],
    ['core.pager', `${repo} git -c core.pager='rm victim' -p log`],
    ['an alias of git', "git -c 'alias.x=!rm victim' x"],
    [
      'a hook',
      `${repo} mkdir h; printf '#!/bin/sh\\nrm victim' > h/post-checkout; chmod +x h/*; git -c core.hooksPath=h switch -qc b`,
    ],
    ['GIT_EDITOR', `${repo} GIT_EDITOR='rm victim #' git -c user.name=a -c user.email=a@b commit --allow-empty`],
    ['GIT_SSH_COMMAND', "GIT_SSH_COMMAND='rm victim #' git ls-remote ssh://nowhere/x"],
    ['an external transport', "git -c protocol.ext.allow=always ls-remote 'ext::rm victim'"],
    ['core.fsmonitor', `${repo} git -c core.fsmonitor='rm victim #' status`],
    ['an external diff', `${repo} echo a > a; git add a; echo b > a; GIT_EXTERNAL_DIFF='rm victim #' git diff`],
    ['git rebase --exec', `${repo} git -c user.name=a -c user.email=a@b rebase --root --exec 'rm victim'`],
    [
      'a credential helper',
      "printf 'host=x\\nprotocol=https\\n' | GIT_TERMINAL_PROMPT=0 git -c credential.helper='!rm victim #' credential fill",
    ],
  ]);
});

describe('tools that start others', () => {
  attackTable(ground, [
    ['find -exec', 'find . -name victim -exec rm {} +'],
    ['find -execdir', 'find . -name victim -execdir rm {} \\;'],
    ['find -ok', 'echo y | find . -name victim -ok rm {} \\;'],
    ['xargs', 'echo victim | xargs rm'],
    ['xargs, several at once', 'echo victim | xargs -P 4 -I{} rm {}'],
    ['tar --checkpoint-action', 'tar cf /dev/null --checkpoint=1 "--checkpoint-action=exec=rm victim" .'],
    ['tar --to-command', "tar cf a.tar victim; tar xf a.tar --to-command='rm victim'"],
    ['tar -I', "tar cf /dev/null -I 'rm victim' /etc/hostname"],
    ['TAR_OPTIONS', "TAR_OPTIONS='--checkpoint=1 --checkpoint-action=exec=rm\\ victim' tar cf /dev/null /etc/hostname"],
    ['split --filter', "echo x | split --filter='rm victim'"],
    [
      'sort --compress-program',
      "printf '#!/bin/sh\\nrm victim\\nexec cat' > z; chmod +x z; seq 60000 | sort -S 32k --compress-program=./z",
    ],
    ['env', 'env rm victim'],
    ['nice, timeout and nohup', 'nice timeout 9 nohup rm victim'],
    ['setsid', 'setsid -w rm victim'],
    ['stdbuf', 'stdbuf -o0 rm victim'],
    ['flock', 'flock lock rm victim'],
    ['time', 'time rm victim'],
    ['script', "script -qc 'rm victim' /dev/null"],
    ['expect', "expect -c 'spawn rm victim; expect eof'"],
    ['watch', 'timeout 3 watch -xgn 0.2 rm victim'],
    ['setarch', 'setarch -R rm victim'],
    ['prlimit', 'prlimit --nofile=100 rm victim'],
    ['make', "printf 'all:\\n\\trm victim\\n' | make -f -"],
    ['a function of make', "echo '$(shell rm victim)' | make -f -"],
    ['a compiler', 'gcc -wrapper rm,-f,--,victim -x c /dev/null'],
    ['busybox', 'busybox rm victim'],
    ['busybox xargs', 'echo victim | busybox xargs rm'],
    ['find of busybox', 'busybox find victim -exec rm {} +'],
    ['ssh, its proxy', "ssh -F none -o ProxyCommand='rm victim' nowhere"],
    ['ssh, a match', 'echo \'Match exec "rm victim"\' > c; ssh -F c nowhere'],
    [
      'a start in the background',
      'setsid bash -c "(rm victim; echo over > done) &"; until [ -e done ]; do sleep 0.05; done',
    ],
  ]);
});

describe('interpreters', () => {
  attackTable(ground, [
    ['awk, system', `awk 'BEGIN { system("rm victim") }'`],
    ['awk, a pipe', `awk 'BEGIN { print "x" | "rm victim" }'`],
    ['awk, getline', `awk 'BEGIN { "rm victim" | getline }'`],
    ['python -c, os.system', `python3 -c 'import os; os.system("rm victim")'`],
    ['python -c, subprocess', `python3 -c 'import subprocess; subprocess.call(["rm", "victim"])'`],
    ['python -c, execve', `python3 -c 'import os; os.execve("/usr/bin/rm", ["true", "victim"], {})'`],
    [
      'python -c, posix_spawn',
      `python3 -c 'import os; os.waitpid(os.posix_spawn("/bin/rm", ["rm", "victim"], {}), 0)'`,
    ],
    ['python -c, a pty of its own', `python3 -c 'import pty; pty.spawn(["rm", "victim"])'`],
    ['python, typed into', ['python3 -q\r', '>>>', 'import os; os.system("rm victim")\r', '>>>', 'exit()\r']],
    [
      'a thread that is not the first',
      py(`import os, threading
t = threading.Thread(target=lambda: os.execv("/usr/bin/rm", ["rm", "victim"])); t.start(); t.join()`),
    ],
    ['perl, system', `perl -e 'system "rm", "victim"'`],
    ['perl, a pipe', `perl -e 'open my $f, "|-", "rm victim"; close $f'`],
    ['perl, backquotes', "perl -e '`rm victim`'"],
    ['perl, exec of another name', `perl -e 'exec {"/usr/bin/rm"} "true", "victim"'`],
    ['node', `node -e 'require("child_process").execFileSync("rm", ["victim"])'`],
    ['expect, system', `expect -c 'exec rm victim'`],
  ]);
});

describe('hooks in the environment', () => {
  attackTable(ground, [
    ['BASH_ENV', 'echo rm victim > env; BASH_ENV=./env bash -c true'],
    ['ENV', ['echo rm victim > env; ENV=./env sh -i\r', '$ ', 'exit\r']],
    ['SHELLOPTS and PS4', `env SHELLOPTS=xtrace PS4='$(rm victim)' bash -c :`],
    [
      'PYTHONSTARTUP',
      [`echo 'import os; os.system("rm victim")' > s.py; PYTHONSTARTUP=s.py python3 -q\r`, '>>>', 'exit()\r'],
    ],
    ['PYTHONPATH', `echo 'import os; os.system("rm victim")' > this.py; PYTHONPATH=. python3 -c 'import this'`],
    ['PERL5OPT', `echo 'system "rm victim"; 1' > M.pm; PERL5LIB=. PERL5OPT=-MM perl -e 1`],
    [
      'NODE_OPTIONS',
      `echo 'require("child_process").execSync("rm victim")' > m.js; NODE_OPTIONS=--require=./m.js node -e 1`,
    ],
    ['PATH', 'mkdir d; ln -s /usr/bin/rm d/cat; PATH=$PWD/d:$PATH; cat victim'],
    ['SHELL of an editor', "SHELL=$PWD/s; printf '#!/bin/sh\\nrm victim' > s; chmod +x s; vim -es -c ':!x' -c q"],
    ['MAKEFLAGS', `printf 'all:\\n\\trm victim\\n' > m; MAKEFLAGS= MAKEFILES=m make all`],
  ]);
});
