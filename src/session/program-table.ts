import type { Children, Decision } from '../policy/types.js';
import type { ExecAsk } from '../wire/guard.js';

/** What is kept of a question, to ask it again. */
export type Asked = Pick<ExecAsk, 'part' | 'program' | 'argv' | 'cut' | 'hooks'> & {
  /** Who approved it, where somebody had to: it is decided with that again. */
  approval?: string;
};

/** Decides one question for a process under `children`. */
export type Decide = (asked: Asked, children: Children) => Decision;

/** An approved image, of which processes run, or did while others that they started still stand on it. */
export interface Program {
  readonly id: number;
  /** In the order they were asked: the program, its interpreters, what a loader was told to load. */
  readonly parts: Asked[];
  /** Undefined: started by the session's own shell. */
  parent: Program | undefined;
  /** The word for what it starts from now on. */
  word: Children;
  /** The decision on the program itself. */
  decision: Decision;
  readonly startedAt: number;
  /** Set once: it is on its way out. */
  refused: Decision | undefined;
}

/** The programs of one session, and what their rights stand on. Pure: knows no clock and ends nothing. */
export interface ProgramTable {
  /** The word under which this question is to be decided, whatever changed since the asking image began. */
  under(ask: ExecAsk): Children;
  /** Notes an allowed question; false: no more programs are taken. `given` is the word the guard is told. */
  add(ask: ExecAsk & Pick<Asked, 'approval'>, decision: Decision, now: number): boolean;
  get(id: number): Program | undefined;
  /** Images that were refused after all, or that nothing runs any more. */
  drop(ids: readonly number[]): void;
  /** Decides all again, parents first; at most `most` of them before it yields those whose rights are gone. */
  again(most: number): Generator<Program[], void, void>;
  readonly size: number;
}

/** Programs of one session; as many processes as a session may have are fewer. */
const MAX_PROGRAMS = 16_384;
/** Characters of all words kept for one session; of what comes on top only the first words are kept. */
const MAX_KEPT = 2 * 1024 * 1024;
/** What a word costs beside its characters: an empty one is no gift. */
const WORD = 8;
const HEAD_WORDS = 32;
const HEAD_CHARS = 2_048;
/** Programs that are over, one the starter of the next, kept for what still runs at the end of the chain. */
const MAX_ANCESTORS = 8;
/** Programs decided again for one question that comes while all are. */
const MAX_STALE = 64;

interface Entry extends Program {
  parent: Entry | undefined;
  readonly startedBy: Set<Entry>;
  /** The word the guard was told. */
  given: Children;
  /** What the guard made of that word where it found hooks in the environment: it never gets wider. */
  cap: Children;
  /** The word it stands on without a parent. */
  readonly base: Children;
  over: boolean;
  chars: number;
  /** The change of rights it was decided under last. */
  epoch: number;
}

export function createProgramTable(decide: Decide): ProgramTable {
  const entries = new Map<number, Entry>();
  let kept = 0;
  let epoch = 0;

  /** What was found refused and is not told yet. */
  const gone: Program[] = [];

  /** Its parent must be up to date. */
  const decideAgain = (entry: Entry) => {
    entry.epoch = epoch;
    const found = decideParts(entry.parts, entry.parent?.word ?? entry.base, decide);
    if (found.decision.allow) {
      entry.decision = found.decision;
      entry.word = stricter(found.word, entry.cap);
      return;
    }
    // What it started lives on by rules of its own.
    entry.word = 'checked';
    if (entry.over || entry.refused) return;
    entry.refused = found.decision;
    gone.push(entry);
  };

  /** The word of one that is up to date; of many that are not, the careful one. */
  const wordOf = (entry: Entry): Children => {
    const stale: Entry[] = [];
    for (let e: Entry | undefined = entry; e && e.epoch !== epoch; e = e.parent) stale.push(e);
    if (stale.length > MAX_STALE) return stricter(entry.word, 'checked');
    for (const e of stale.reverse()) decideAgain(e);
    return entry.word;
  };

  const link = (entry: Entry, parent: Entry | undefined) => {
    entry.parent?.startedBy.delete(entry);
    entry.parent = parent;
    parent?.startedBy.add(entry);
  };

  const forget = (entry: Entry) => {
    for (let e: Entry | undefined = entry; e?.over && e.startedBy.size === 0; ) {
      const parent: Entry | undefined = e.parent;
      entries.delete(e.id);
      kept -= e.chars;
      link(e, undefined);
      e = parent;
    }
  };

  /** What is over stays only as long as something stands on it, and only what has a word of its own. */
  const end = (entry: Entry) => {
    entry.over = true;
    // What was refused has a word of its own from then on, whatever allowed it before.
    const inherits = entry.decision.why === 'no-rule' && !entry.refused;
    if (inherits) for (const child of [...entry.startedBy]) link(child, entry.parent);
    forget(entry);
    if (!entries.has(entry.id)) return;
    let last = entry;
    for (let depth = 1; last.parent?.over && depth < MAX_ANCESTORS; depth += 1) last = last.parent;
    if (!last.parent?.over) return;
    const cut = last.parent;
    link(last, undefined);
    forget(cut);
  };

  const keep = (ask: ExecAsk & Pick<Asked, 'approval'>): { asked: Asked; chars: number } => {
    const { part, program, argv, cut, hooks, approval } = ask;
    const by = approval === undefined ? {} : { approval };
    const chars = argv.reduce((n, word) => n + word.length + WORD, 0);
    if (kept + chars <= MAX_KEPT) return { asked: { part, program, argv, cut, hooks, ...by }, chars };
    const head = headOf(argv);
    return { asked: { part, program, ...head, cut: true, hooks, ...by }, chars: 0 };
  };

  return {
    under(ask) {
      if (ask.part === 'interpreter' || ask.under === 0) return ask.children;
      const entry = entries.get(ask.under);
      if (!entry) return stricter(ask.children, 'checked');
      if (ask.children !== entry.given) entry.cap = stricter(entry.cap, ask.children);
      return stricter(wordOf(entry), entry.cap);
    },
    add(ask, decision, now) {
      const known = entries.get(ask.image);
      const { asked, chars } = keep(ask);
      kept += chars;
      if (known) {
        known.parts.push(asked);
        known.chars += chars;
        if (ask.part === 'loaded') known.given = stricter(known.given, decision.children);
        known.word = stricter(known.word, known.given);
        return true;
      }
      if (ask.part !== 'program' || entries.size >= MAX_PROGRAMS) {
        kept -= chars;
        return false;
      }
      const { children } = decision;
      const word = { word: children, given: children, cap: 'trusted' as const };
      const base = ask.under === 0 ? ask.children : 'checked';
      const links = { parent: undefined, startedBy: new Set<Entry>() };
      const state = { decision, startedAt: now, refused: undefined, over: false, chars, epoch };
      const entry: Entry = { id: ask.image, parts: [asked], base, ...links, ...word, ...state };
      entries.set(entry.id, entry);
      link(entry, entries.get(ask.under));
      return true;
    },
    get: (id) => entries.get(id),
    drop(ids) {
      for (const id of ids) {
        const entry = entries.get(id);
        if (entry) end(entry);
      }
    },
    *again(most) {
      epoch += 1;
      let looked = 0;
      // A parent came before its children.
      for (const entry of entries.values()) {
        if (entry.epoch !== epoch) decideAgain(entry);
        looked += 1;
        if (looked % most === 0) yield gone.splice(0);
      }
      yield gone.splice(0);
    },
    get size() {
      return entries.size;
    },
  };
}

/** All parts together, as the guard puts their words together. The decision is the first refusal, or the program's own. */
function decideParts(parts: readonly Asked[], under: Children, decide: Decide): { decision: Decision; word: Children } {
  let own: Decision | undefined;
  let word: Children = 'trusted';
  for (const asked of parts) {
    const decision = decide(asked, asked.part === 'interpreter' ? 'trusted' : under);
    if (!decision.allow) return { decision, word: 'none' };
    own ??= decision;
    if (asked.part !== 'interpreter') word = stricter(word, decision.children);
  }
  return { decision: own ?? { allow: false, why: 'error', children: 'none' }, word };
}

const ORDER: readonly Children[] = ['none', 'checked', 'trusted'];

export function stricter(a: Children, b: Children): Children {
  return ORDER.indexOf(a) <= ORDER.indexOf(b) ? a : b;
}

function headOf(argv: readonly string[]): { argv: string[] } {
  let left = HEAD_CHARS;
  const head: string[] = [];
  for (const word of argv.slice(0, HEAD_WORDS)) {
    left -= word.length;
    // A word that is cut is another word.
    if (left < 0) break;
    head.push(word);
  }
  return { argv: head.length > 0 ? head : [(argv[0] ?? '').slice(0, HEAD_CHARS)] };
}
