/** The shapes policy decisions are made of. Everything here is plain data: it crosses process boundaries as JSON. */

export type Effect = 'allow' | 'deny';

/** How programs started by an allowed command are decided; `none` beats `trusted` beats `checked`. */
export type Children = 'checked' | 'trusted' | 'none';

/** One `p` row of policy.csv. */
export interface Row {
  id: string;
  role: string;
  target: string;
  command: string;
  when: string;
  effect: Effect;
  children: Children;
  file: string;
  line: number;
}

/** A role a user holds, and where and when. Times are ms since the epoch; a missing end means no end. */
export interface RoleHolding {
  role: string;
  /** Target pattern; `*` is every target. */
  target: string;
  from?: number;
  until?: number;
  /** `policy` for a `g` row, else the grant's id. */
  via: string;
}

/** A value of the context: what CEL conditions see. Missing facts are absent, never null. */
export type FactValue = string | number | boolean | FactValue[] | { [key: string]: FactValue };

/**
 * Facts about a session that do not move with the clock, as the keeper knows them. `time.*`, `session.age` and
 * `mfa.age` are added by `factsAt` from the moment asked about.
 */
export interface BaseFacts {
  user: Record<string, FactValue>;
  target: Record<string, FactValue>;
  source: { ip: string; country?: string };
  auth: { method: string; key?: string };
  device: Record<string, FactValue>;
  risk: { score?: number };
  approval: { by?: string };
  /** When the second factor was last proved, ms since the epoch; absent: never. */
  mfaAt?: number;
  /** When the session was admitted, ms since the epoch. */
  startedAt: number;
  /** IANA zone for time.hour and time.weekday. */
  timezone: string;
}

/**
 * All a process needs to decide for one session: the rows that can matter to this user on this target, and who
 * holds what. Built by the keeper, sent to a door, compiled there by `compileRights`.
 */
export interface RightsData {
  user: string;
  target: string;
  /** The groups (`g2`, transitive) the target belongs to. */
  targetGroups: string[];
  holdings: RoleHolding[];
  /** Never altered: sessions may share them. */
  rows: readonly Row[];
  facts: BaseFacts;
  /** The model's text, checked by `compilePolicy`. */
  model: string;
  /** `CompiledPolicy.labels`. Absent: labels are untyped, whole numbers are CEL ints. */
  labels?: Labels;
}

export type LabelType = 'string' | 'int' | 'double' | 'bool';

/** The labels the configuration declares, with their types. */
export interface Labels {
  user: Record<string, LabelType>;
  target: Record<string, LabelType>;
  device: Record<string, LabelType>;
}

/** One program or builtin to be decided. */
export interface CommandQuestion {
  kind: 'command';
  /**
   * The words after quotes are removed; the first is as typed (a name or a path), unless `path` is known.
   * A word the shell would only know at run time is `dynamic` and matches no literal.
   */
  words: Word[];
  /** Where the first word resolves: absent for builtins and for names nobody could resolve. */
  program?: Program;
  /** How the process that asks was allowed to start children. Absent: `checked` (a typed line). */
  children?: Children;
  /** Names of loader or interpreter hooks in the environment (LD_*, BASH_ENV, …). */
  hooks?: string[];
  /** True when the line gate asks about a shell builtin. */
  builtin?: boolean;
}

export interface Word {
  text: string;
  /** The shell decides at run time what this becomes (`$x`, a glob, `{a,b}`, a substitution). */
  dynamic?: boolean;
}

/** A file about to be run, as the guard or the line gate found it. */
export interface Program {
  /** Absolute, with every symbolic link followed. */
  path: string;
  /** Every name the file was reached by: base names of the requested path and of the resolved one, argv[0]'s. */
  names: string[];
  /** Base names that allow rows may match: their directories, and the file itself, are beyond the account's writing. */
  trustedNames: string[];
  /** Paths of the system's programs that this file is by a hard link or as a copy; their base names are in `names`. */
  same?: string[] | undefined;
  /** A script by a name its interpreter may find another file under: no allow row by name or path matches. */
  unsteady?: true | undefined;
}

/** An action that is not a command: `@login`, `@session`, `@exec`, `@admin:kill`, `@forward:HOST:PORT`, … */
export interface ActionQuestion {
  kind: 'action';
  action: string;
}

export type Question = CommandQuestion | ActionQuestion;

export interface Decision {
  allow: boolean;
  /** The row that decided: the deny that matched, or the allow whose children word counts. Absent: no row did. */
  rule?: { id: string; effect: Effect; file: string; line: number };
  /** `rule` a row decided, `no-rule` none matched, `children` the parent's word is `none`, `error` deciding failed. */
  why: 'rule' | 'no-rule' | 'children' | 'error';
  /** How children of this command are decided, when allowed. */
  children: Children;
  /**
   * Only with `allow: false`: the refusal is not certain, because what dynamic words become decides it. A gate with the
   * exec gate behind it may let such a program go and have it decided there; any other gate refuses. The exec gate
   * never sees builtins.
   */
  uncertain?: boolean;
  /** For the operator, when why is `error`. */
  detail?: string;
}

/** The rights of one live session, compiled. Deciding never throws and never waits. */
export interface Rights {
  readonly data: RightsData;
  /** `atMs` is wall time. Anything unexpected is a refusal with why `error`. */
  decide(question: Question, atMs: number): Decision;
}
