import { readdirSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { Clock } from '../../core/clock.js';
import { closeFd } from '../../os/fd.js';
import { openPath, statFd, statPath } from '../../os/files.js';
import { isLoader } from './loader.js';
import { printOf } from './print.js';

/** Where programs lie that a rule may name, links not counted: a link's name says nothing of what it leads to. */
const PROGRAMS = ['/usr/bin', '/usr/sbin', '/bin', '/sbin', '/usr/local/bin', '/usr/local/sbin', '/usr/games'];
/** Where dynamic loaders are found, by links too. */
const LOADERS = ['/lib64', '/lib', '/lib32', '/libx32'];
/** How long the directories are believed unchanged, and programs that were written over in place, ms. */
const FRESH_MS = 2_000;
const WHOLE_MS = 600_000;
/** Programs looked at; a system has one to five thousand. About 40 µs each. */
const MAX_PROGRAMS = 20_000;
const REGULAR = 0o100000;

/** Which of the system's programs a file is under another name. */
export interface Twins {
  /** Their paths: the same file by a hard link (`id`), or the same content (`print`). None for most files. */
  of(id: string, print: string): readonly string[];
}

interface Index {
  stamps: string;
  paths: Map<string, string[]>;
  /** Prints by identity, size and time of change, kept from one index to the next. */
  prints: Map<string, string>;
  at: number;
  looked: number;
}

/** Built when first asked, which most sessions never do: what lies where the account cannot write needs no question. */
export function createTwins(clock: Clock): Twins {
  let index: Index | undefined;
  const current = (): Index => {
    const now = clock.mono();
    if (index && now - index.looked < FRESH_MS) return index;
    const stamps = stampsOf();
    if (index && index.stamps === stamps && now - index.at < WHOLE_MS) index.looked = now;
    else index = build(index?.prints, stamps, now);
    return index;
  };
  return {
    of(id, print) {
      const { paths } = current();
      return [...new Set([...(paths.get(id) ?? []), ...(paths.get(print) ?? [])])];
    },
  };
}

const stampsOf = (): string => [...PROGRAMS, ...LOADERS].map((dir) => statPath(dir)?.stamp ?? '-').join();

function build(known: Index['prints'] | undefined, stamps: string, now: number): Index {
  const index: Index = { stamps, paths: new Map(), prints: new Map(), at: now, looked: now };
  const paths = [...realOf(PROGRAMS).flatMap(programsIn), ...LOADERS.flatMap(loadersIn)];
  for (const path of new Set(paths.slice(0, MAX_PROGRAMS))) add(index, path, known);
  return index;
}

function add({ paths, prints }: Index, path: string, known: Index['prints'] | undefined): void {
  const fd = openPath(path);
  if (fd < 0) return;
  try {
    const stat = statFd(fd);
    if (!stat || (stat.mode & REGULAR) === 0 || (stat.mode & 0o111) === 0) return;
    const key = `${stat.id}@${stat.stamp}/${stat.size}`;
    const print = known?.get(key) ?? printOf(fd, stat.size);
    for (const name of print === undefined ? [stat.id] : [stat.id, print])
      paths.set(name, [...(paths.get(name) ?? []), path]);
    if (print !== undefined) prints.set(key, print);
  } finally {
    closeFd(fd);
  }
}

function realOf(dirs: readonly string[]): string[] {
  return [...new Set(dirs.flatMap((dir) => real(dir) ?? []))];
}

function real(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function programsIn(dir: string): string[] {
  try {
    const entries = readdirSync(dir, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => `${dir}/${name}`);
  } catch {
    return [];
  }
}

function loadersIn(dir: string): string[] {
  try {
    const names = readdirSync(dir).filter(isLoader);
    return names.flatMap((name) => real(`${dir}/${name}`) ?? []).filter((path) => isLoader(basename(path)));
  } catch {
    return [];
  }
}
