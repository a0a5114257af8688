import { workplace, works } from '../../helpers/everyday.js';

/** Tools of a working day, both gates on, under the shipped policy. A step: see shell.test.ts. */
const place = workplace();

const MAKEFILE = `CFLAGS = -O1 -Wall
sum: main.o add.o
	$(CC) -o $@ $^
check: sum
	./sum 2 3 | grep -qx 5 && echo checked
clean:
	$(RM) sum *.o
`;
const MAIN = `#include <stdio.h>
#include <stdlib.h>
int add(int, int);
int main(int n, char **a) { return printf("%d\\n", add(atoi(a[1]), atoi(a[2]))) < n - 3; }
`;
const json = (value: unknown) => `${JSON.stringify(value)}\n`;

works(place, [
  {
    name: 'make and a C build',
    files: { Makefile: MAKEFILE, 'main.c': MAIN, 'add.c': 'int add(int a, int b) { return a + b; }\n' },
    steps: [
      ['make -j2; echo was=$?\r', /-o sum main.o add.o\nwas=0$/m],
      ['./sum 40 2\r', /^42$/m],
      ['clear; make check\r', /^checked$/m],
      ['clear; make\r', /^make: 'sum' is up to date.$/m],
      ['sed -i s/a/%/ add.c; clear; make; echo was=$?\r', /error: [\s\S]*^was=2$/m],
      ['make clean; ls\r', /^Makefile +add.c +main.c$/m],
    ],
  },
  {
    name: 'npm install',
    files: {
      'dep/package.json': json({ name: 'dep', version: '1.2.3', scripts: { install: 'node make.js' } }),
      'dep/make.js': "require('fs').writeFileSync('made.js', 'module.exports = 40 + 2')\n",
      'tool/package.json': json({ name: 'tool', version: '1.0.0', bin: 'tool.js' }),
      'tool/tool.js': "#!/usr/bin/env node\nconsole.log('tool', process.argv[2])\n",
      'app/package.json': json({ name: 'app', scripts: { test: 'tool ran && node -p "require(\'dep/made\')"' } }),
    },
    steps: [
      ['npm pack --silent ./dep ./tool\r', /^tool-1.0.0.tgz$/m],
      [
        'cd app; npm install --offline --no-audit --no-fund ../*.tgz; echo was=$?\r',
        /^added 2 packages.*\n[\s\S]*^was=0$/m,
      ],
      ['clear; npm test --silent\r', /^tool ran\n42$/m],
      ['npm ls | cat\r', /dep@1.2.3[\s\S]*tool@1.0.0/],
      ['clear; npx --offline tool again\r', /^tool again$/m],
      ['npm run nothing >/dev/null 2>&1; echo was=$?\r', /^was=1$/m],
    ],
  },
  {
    name: 'vim',
    files: { text: 'one\ntwo\nthree\n' },
    steps: [
      ['vim text\r', /^one\ntwo\nthree\n~/],
      ['ddGoan end\x1b', /^two\nthree\nan end\n~/],
      [':%s/t/T/\r', /^Two\nThree\n/],
      [':r !echo from a shell\r', /^from a shell$/m],
      [':%!sort\r', /^Three\nTwo\nan end\nfrom a shell\n~/],
      [':w\r', /written/],
      [':!wc -l text\r', /^4 text$/m],
      ['\r', /^Three\nTwo/],
      ['\x1a', /Stopped +vim text/],
      ['fg\r', /^Three\nTwo/],
      [':wq\r', /ready\$$/],
      ['clear; cat text\r', /^Three\nTwo\nan end\nfrom a shell$/m],
    ],
  },
  {
    name: 'man',
    files: { 'page.1': `.TH PAGE 1\n.SH NAME\npage \\- one of ours\n.SH LONG\n${'.PP\nA paragraph.\n'.repeat(80)}` },
    steps: [
      ['man ./page.1\r', /^PAGE\(1\) [\s\S]*page - one of ours[\s\S]*(Manual page|:)/],
      ['/LONG\r', /^LONG/m],
      ['G', /END/],
      ['q', /ready\$$/],
      ['man ./page.1 | grep -c paragraph\r', /^80$/m],
      ['MANPAGER=cat man ./page.1 | head -n 1\r', /^PAGE\(1\)/m],
    ],
  },
  {
    name: 'less',
    steps: [
      ['seq 1 1000 | less -N\r', /^ +1 1\n +2 2\n/],
      [' ', /^ +30 30\n/],
      ['/^777$\r', /^ +777 777\n/],
      ['!echo from a shell\r', /from a shell\n!done/],
      ['\r', /777/],
      ['G', /1000\n\(END\)$/],
      ['q', /ready\$$/],
      ['yes | head -n 100000 | less -E +G\r', /ready\$$|END/],
      ['q\x15echo over\r', /^over$/m],
    ],
  },
  {
    name: 'tmux',
    steps: [
      ['tmux -L own -f /dev/null new -s work\r', /\[work\] 0:bash\*/],
      ['echo here-$((40+2))\r', /^here-42$/m],
      ['\x02%', /│ready\$/],
      ['tput cols\r', /│49$/m],
      ['\x02"', /─+\n/],
      ['\x02c', /1:bash\*/],
      ['\x02[', /\[0\/0\]/],
      ['q', /1:bash\*/],
      ['\x02d', /\[detached \(from session work\)\]/],
      ['tmux -L own ls\r', /work: 2 windows/],
      ['tmux -L own attach\r', /1:bash\*/],
      ['\x02p', /0:bash\*[\s\S]*$/],
      ['\x02d', /\[detached/],
      ['tmux -L own kill-server; echo was=$?\r', /^was=0$/m],
    ],
  },
  {
    name: 'screen',
    files: { rc: 'startup_message off\n' },
    steps: [
      ['screen -c rc -S work\r', /^ready\$$/],
      ['echo $TERM in $WINDOW\r', /^screen\S* in 0$/m],
      ['\x01d', /\[detached from \d+\.work\]/],
      ['clear; screen -ls\r', /\.work\s.*\(Detached\)/],
      ['screen -r work\r', /^screen\S* in 0$/m],
      ['exit\r', /\[screen is terminating\]/],
    ],
  },
  {
    name: 'ssh-keygen',
    steps: [
      ['ssh-keygen -t ed25519 -C me -f key\r', /Enter passphrase/],
      ['secret\r', /same passphrase again/],
      ['secret\r', /SHA256:\S+ me\n[\s\S]*\+----\[SHA256\]-----\+/],
      ['clear; ssh-keygen -y -P secret -f key\r', /^ssh-ed25519 \S+ me$/m],
      ['clear; ssh-keygen -y -P wrong -f key; echo was=$?\r', /^was=255$/m],
      ['eval $(ssh-agent); ssh-add key\r', /Enter passphrase/],
      ['secret\r', /Identity added/],
      ['clear; ssh-add -l; ssh-agent -k\r', /^256 SHA256:\S+ me \(ED25519\)\n[\s\S]*pid \d+ killed/m],
    ],
  },
]);
