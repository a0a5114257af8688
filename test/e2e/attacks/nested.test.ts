import { execFileSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';
import { attackGround, attackTable, DENY_RM, own } from '../../helpers/attack-table.js';
import type { TestBroker } from '../../helpers/broker.js';

/** A session inside the session, code loaded into allowed programs, and the gate's own files. A row: see shell.test.ts. */
const ground = attackGround(DENY_RM, (home, broker) => {
  const source = fileURLToPath(new URL('../../fixtures/at-load.c', import.meta.url));
  execFileSync('gcc', ['-shared', '-fPIC', '-o', join(home, 'load.so'), source]);
  wayBack(home, broker);
});

/** What `ssh -F ~/again again` needs to come in through the same door a second time. */
function wayBack(home: string, broker: TestBroker): void {
  copyFileSync(join(broker.dir, 'key'), join(home, 'key'));
  own(join(home, 'key'));
  const lines = [
    ...['Host again', 'HostName 127.0.0.1', 'User alice', `Port ${broker.port}`, 'IdentityFile ~/key'],
    ...['IdentitiesOnly yes', 'StrictHostKeyChecking no', 'UserKnownHostsFile /dev/null', 'LogLevel ERROR'],
  ];
  writeFileSync(join(home, 'again'), `${lines.join('\n')}\n`.replaceAll('~', '%d'));
}

describe('nested tmux, screen and ssh', () => {
  const tmux = 'tmux -L x -f /dev/null';
  const screen = "mkdir -m 700 s; export SCREENDIR=$PWD/s; echo 'startup_message off' > rc; screen -c rc";
  const again = 'ssh -F ~/again -i ~/key';
  attackTable(ground, [
    ['tmux', `${tmux} new-session -d 'rm victim; tmux -L x wait-for -S go'; tmux -L x wait-for go`],
    ['tmux, typed into', [`${tmux} new\r`, 'ready$', 'c=rm; $c victim; exit\r', '[exited]']],
    [
      'tmux in tmux',
      [
        `${tmux} new\r`,
        'ready$',
        'TMUX= tmux -L y -f /dev/null new\r',
        'ready$',
        "r''m victim; exit\r",
        '[exited]',
        'exit\r',
        '[exited]',
      ],
    ],
    ['run-shell of tmux', `${tmux} new-session -d; tmux -L x run-shell 'rm victim'; tmux -L x kill-server`],
    [
      'a key of tmux',
      `${tmux} new-session -d; tmux -L x send-keys 'rm victim; tmux -L x wait-for -S go' Enter; tmux -L x wait-for go`,
    ],
    [
      'tmux, a pipe of the pane',
      `${tmux} new-session -d; tmux -L x pipe-pane 'rm victim; tmux -L x wait-for -S go'; tmux -L x wait-for go`,
    ],
    ['screen', `${screen} -D -m rm victim`],
    ['screen, typed into', [`${screen}\r`, 'ready$', 'c=rm; $c victim; exit\r', 'terminating']],
    ['screen in tmux', [`${tmux} new\r`, 'ready$', `${screen} -D -m rm victim; exit\r`, '[exited]']],
    ['ssh with a command', `${again} again "cd $PWD; c=rm; \\$c victim"`],
    ['ssh, typed into', [`${again} -t again\r`, 'ready$', 'c=rm; $c w/*-typed-into/victim; exit\r', 'logout']],
    ['ssh with a script', `echo "cd $PWD; rm victim" | ${again} again bash`],
    ['ssh in ssh', `${again} again "${again} again \\"cd $PWD; c=rm; \\\\\\$c victim\\""`],
  ]);
});

describe('code put into allowed programs', () => {
  attackTable(ground, [
    ['LD_PRELOAD', 'LD_PRELOAD=$HOME/load.so /bin/true'],
    ['LD_PRELOAD for all that follows', 'export LD_PRELOAD=$HOME/load.so; ls; unset LD_PRELOAD'],
    ['LD_AUDIT', 'LD_AUDIT=$HOME/load.so /bin/true'],
    ['LD_LIBRARY_PATH', 'mkdir l; cp ~/load.so l/libselinux.so.1; LD_LIBRARY_PATH=l ls'],
    [
      'the loader, with a preload',
      '$(ls /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1 2>/dev/null) --preload ~/load.so /bin/true',
    ],
    ['a loadable builtin', '(enable -f ~/load.so x)'],
    ['a module of ssh-keygen', 'ssh-keygen -D ~/load.so'],
    ['ctypes', `python3 -c 'import ctypes, os; ctypes.CDLL(os.environ["HOME"] + "/load.so")'`],
  ]);
});

describe('the FIFOs of the gate', () => {
  const q = '/run/sallyport/q';
  const a = '/run/sallyport/a';
  const gated = 'bash --rcfile /run/sallyport/hook.bash -i\r';
  const forge = `forge() { printf '%-1023s\\t' "SP1 $$.$((__sallyport_id + $1)) ok " 1<> ${a}; }`;
  attackTable(ground, [
    [
      'an answer forged before the question',
      [gated, '$ ', `${forge}\r`, '$ ', 'forge 2\r', '$ ', 'rm victim\r', '$ ', 'exit\r'],
    ],
    [
      'answers forged without end',
      [
        gated,
        '$ ',
        `${forge}; (while :; do for i in 1 2 3 4 5 6; do forge $i; done; done) & c=rm\r`,
        '$ ',
        '$c victim\r',
        '$ ',
        'exit\r',
      ],
    ],
    [
      'a question about another line',
      `printf 'SP1\\0line\\0%s\\0001\\0001\\0001\\0/\\0/bin\\0true\\n' $$ > ${q}; rm victim`,
    ],
    [
      'many questions at once',
      `for i in {1..3000}; do printf 'SP1\\0line\\0%s\\0%s\\0%s\\0001\\0/\\0/bin\\0true\\n' $$ $i $i; done > ${q}; rm victim`,
    ],
    ['a hello of another shell', `printf 'SP1\\0hello\\0001\\0000\\0005.2\\n' > ${q}; rm victim`],
    ['rubbish', `head -c 200000 /dev/urandom > ${q}; timeout 0.3 head -c 200000 /dev/urandom 1<> ${a}; rm victim`],
    ['the gate hung up on', `exec 7<>${q} 8<>${a}; c=rm; $c victim; exec 7>&- 8>&-`],
    ['the hook undone', [gated, '$ ', `bind '"\\C-m": accept-line'\r`, '$ ', 'rm victim\r', '$ ', 'exit\r']],
  ]);
});
