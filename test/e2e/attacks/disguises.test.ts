import { describe } from 'vitest';
import { allowList, attackGround, attackTable, py } from '../../helpers/attack-table.js';

/**
 * Under a list of what may run: another program under an allowed name, or under none. A row: see shell.test.ts. Deny rows
 * hold against plain copies (exec-gate.test.ts), not against programs changed on purpose; an allow list does.
 */
const ground = attackGround(allowList('bash sh cp ln chmod mkdir cat ls python3 touch mv env head id xargs dd perl'));
const LOADER = '$(ls /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1 2>/dev/null)';

describe('copies', () => {
  attackTable(ground, [
    ['the program itself', '/usr/bin/rm victim'],
    ['a copy', 'cp /usr/bin/rm ls; ./ls victim'],
    ['a copy that cat made', 'cat /usr/bin/rm > ls; chmod +x ls; ./ls victim'],
    ['a copy found by PATH', 'mkdir d; cp /usr/bin/rm d/ls; PATH=$PWD/d:$PATH; ls victim'],
    ['a copy found in an empty entry of PATH', 'cp /usr/bin/rm ls; PATH=:$PATH; ls victim'],
    ['a copy in the hash table', 'cp /usr/bin/rm ls; hash -p ./ls cat; cat victim'],
    ['a copy in /tmp', 'cp /usr/bin/rm /tmp/ls; /tmp/ls victim'],
    ['a copy in memory', 'cp /usr/bin/rm /dev/shm/ls; /dev/shm/ls victim'],
    ['a copy that was renamed', 'cp /usr/bin/rm x; mv x ls; ./ls victim'],
    ['a copy with more behind it', 'cp /usr/bin/rm ls; echo x >> ls; ./ls victim'],
    ['a copy over an allowed one', 'cp /usr/bin/ls ls; ./ls; cp /usr/bin/rm ls; ./ls victim'],
    ['a copy of busybox', 'cp /bin/busybox ls; (exec -a rm ./ls victim)'],
    [
      'a program of one’s own',
      `printf '#!/usr/bin/python3\\nimport os; os.unlink("victim")\\n' > tool; chmod +x tool; ./tool`,
    ],
  ]);
});

describe('links', () => {
  attackTable(ground, [
    ['a symbolic link', 'ln -s /usr/bin/rm ls; ./ls victim'],
    ['links in a row', 'ln -s /usr/bin/rm a; ln -s a b; ln -s b ls; ./ls victim'],
    ['a linked directory', 'ln -s /usr/bin ls; ls/rm victim'],
    ['a hard link of a copy', 'cp /usr/bin/rm a; ln a ls; ./ls victim'],
    ['a link over a descriptor', 'exec 9< /usr/bin/rm; (exec -a ls /proc/self/fd/9 victim)'],
    ['a link of busybox', 'ln -s /bin/busybox rm; ./rm victim'],
  ]);
});

describe('other names', () => {
  attackTable(ground, [
    ['exec -a', '(exec -a ls /usr/bin/rm victim)'],
    ['an empty name', `(exec -a '' /usr/bin/rm victim)`],
    ['a name with a space', `cp /usr/bin/rm 'ls '; './ls ' victim`],
    ['a script with an allowed name', `printf '#!/bin/bash\\nexec /usr/bin/rm victim\\n' > ls; chmod +x ls; ./ls`],
    ['an interpreter with an allowed name', `cp /usr/bin/rm ls; printf '#!%s\\n' $PWD/ls > s; chmod +x s; ./s victim`],
    ['busybox', 'busybox sh -c "/usr/bin/rm victim"'],
  ]);
});

describe('no file at all', () => {
  const LIBC =
    'import ctypes, os\nlibc = ctypes.CDLL(None)\nwords = lambda *w: (ctypes.c_char_p * (len(w) + 1))(*w, None)\n';
  const AT = '322 if os.uname().machine == "x86_64" else 281';
  attackTable(ground, [
    [
      'memfd',
      py(`import os
fd = os.memfd_create("ls", 0)
os.write(fd, open("/usr/bin/rm", "rb").read())
os.execve(f"/proc/self/fd/{fd}", ["ls", "victim"], {})`),
    ],
    [
      'memfd, closed at the start',
      py(`import os
fd = os.memfd_create("ls", os.MFD_CLOEXEC)
os.write(fd, open("/usr/bin/rm", "rb").read())
os.execve(fd, ["ls", "victim"], {})`),
    ],
    [
      'a file that was deleted',
      py(`import os, shutil
shutil.copy("/usr/bin/rm", "ls"); fd = os.open("ls", os.O_RDONLY); os.unlink("ls")
os.execve(fd, ["ls", "victim"], {})`),
    ],
    [
      'a file without a name',
      py(`import os
fd = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o700); os.write(fd, open("/usr/bin/rm", "rb").read())
again = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY); os.close(fd)
os.execve(f"/proc/self/fd/{again}", ["ls", "victim"], {})`),
    ],
    [
      'execveat of an empty path',
      py(
        `${LIBC}libc.syscall(${AT}, os.open("/usr/bin/rm", os.O_PATH), b"", words(b"ls", b"victim"), words(), 0x1000)`,
      ),
    ],
    [
      'execveat beside a directory',
      py(`${LIBC}libc.syscall(${AT}, os.open("/usr/bin", os.O_PATH), b"rm", words(b"ls", b"victim"), words(), 0)`),
    ],
  ]);
});

describe('the loader', () => {
  attackTable(ground, [
    ['ld.so', `${LOADER} /usr/bin/rm victim`],
    ['a copy of ld.so', `cp ${LOADER} ls; ./ls /usr/bin/rm victim`],
    ['ld.so under an allowed name', `(exec -a ls ${LOADER} /usr/bin/rm victim)`],
    ['ld.so --argv0', `${LOADER} --argv0 ls /usr/bin/rm victim`],
    [
      'a loader of one’s own in an allowed program',
      py(`import os, shutil
loader = next(p for p in ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1") if os.path.exists(p))
image = open("/usr/bin/rm", "rb").read()
shutil.copy(loader, "l"); image = image.replace(loader.encode() + b"\\0", b"./l".ljust(len(loader), b"\\0") + b"\\0", 1)
open("ls", "wb").write(image); os.chmod("ls", 0o755)
os.execv("./ls", ["ls", "victim"])`),
    ],
  ]);
});

/** The guard finds no name for what lies behind these and refuses them, whatever the policy says. */
describe('ways through /proc', () => {
  attackTable(
    ground,
    [
      ['another root', '/proc/self/root/usr/bin/rm victim'],
      ['the working directory of /proc', 'cp /usr/bin/rm ls; /proc/self/cwd/ls victim'],
      [
        'memfd with perl',
        `perl -e 'my $n = "ls"; my $fd = syscall((\`uname -m\` =~ /x86/ ? 319 : 279), $n, 0); open my $o, ">&=", $fd; open my $i, "<", "/usr/bin/rm"; { local $/; syswrite $o, <$i> } exec {"/proc/$$/fd/$fd"} "ls", "victim"'`,
      ],
      ['the image of a process', '(exec -a ls /proc/self/exe -c "/usr/bin/rm victim")'],
    ],
    { evenWhereNothingIsDenied: true },
  );
});
