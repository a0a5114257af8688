import type { Problem } from '../core/errors.js';
import { messageOf } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { compileCondition } from './cel/condition.js';
import type { CsvRow } from './csv.js';
import { patternOf } from './pattern/index.js';
import type { Children, Effect, Labels, Row } from './types.js';

/** A `g` row: `member` holds `role`; or a `g2` row: the target or group `member` belongs to the group `role`. */
export interface Edge {
  member: string;
  role: string;
  file: string;
  line: number;
}

export interface PolicyRows {
  rows: Row[];
  g: Edge[];
  g2: Edge[];
  problems: Problem[];
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const TARGET = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/;
const TARGET_PATTERN = /^[A-Za-z0-9*][A-Za-z0-9._/*-]{0,127}$/;

const QUOTING = 'a field that holds a comma must be put in double quotes';

/** Reads and checks rows one by one; conditions are type-checked against the labels. */
export class RowReader {
  readonly result: PolicyRows = { rows: [], g: [], g2: [], problems: [] };
  readonly #ids = new Map<string, number>();
  /** What is wrong with a pattern or condition, by its text: many rows hold the same. */
  readonly #checked = new Map<string, string | undefined>();
  readonly #file: string;
  readonly #labels: Labels;
  #line = 0;

  constructor(file: string, labels: Labels) {
    this.#file = file;
    this.#labels = labels;
  }

  read({ fields, line }: CsvRow): void {
    this.#line = line;
    const [kind, ...rest] = fields;
    if (kind === 'p') this.#rule(rest);
    else if (kind === 'g') this.#edge(rest, 'g', NAME, NAME);
    else if (kind === 'g2') this.#edge(rest, 'g2', TARGET, TARGET);
    else this.#error(`a row starts with p, g or g2, not ${show(kind)}; a comment has its # at the start of the line`);
  }

  #rule(fields: string[]): void {
    if (fields.length !== 7) {
      const found = `a p row has seven fields (id, role, target, command, when, effect, children), this one ${fields.length}`;
      this.#error(`${found}; ${QUOTING}`);
      return;
    }
    const [id, role, target, command, when, effect, children] = fields as Seven;
    const errors = this.result.problems.length;
    this.#id(id);
    if (role !== '*' && !NAME.test(role))
      this.#error(`${show(role)} is not a role name; use letters, digits, . _ -, or * for everyone`);
    if (!TARGET_PATTERN.test(target))
      this.#error(`${show(target)} is not a target pattern; use a target, a group, or * for any characters`);
    this.#check(`command ${command}`, () => patternOf(command));
    this.#check(`when ${when}`, () => compileCondition(when, this.#labels));
    if (!isEffect(effect)) this.#error(`the effect is allow or deny, not ${show(effect)}; ${QUOTING}`);
    if (!isChildren(children)) this.#error(`children is checked, trusted or none, not ${show(children)}; ${QUOTING}`);
    if (this.result.problems.length > errors || !isEffect(effect) || !isChildren(children)) return;
    this.result.rows.push({ id, role, target, command, when, effect, children, file: this.#file, line: this.#line });
  }

  #id(id: string): void {
    if (!NAME.test(id)) this.#error(`${show(id)} is not a rule id; use up to 64 letters, digits, . _ -`);
    const before = this.#ids.get(id);
    if (before !== undefined) this.#error(`the id ${show(id)} is taken by line ${before}; every rule has its own`);
    else this.#ids.set(id, this.#line);
  }

  #edge(fields: string[], kind: 'g' | 'g2', member: RegExp, group: RegExp): void {
    if (fields.length !== 2) {
      this.#error(`a ${kind} row has two fields after ${kind}, this one ${fields.length}`);
      return;
    }
    const [from, to] = fields as [string, string];
    if (!member.test(from) || !group.test(to))
      this.#error(`${show(from)}, ${show(to)}: ${kind} rows hold plain names, no patterns`);
    else if (from === to) this.#error(`${show(from)} cannot be its own ${kind === 'g' ? 'role' : 'group'}`);
    else this.result[kind].push({ member: from, role: to, file: this.#file, line: this.#line });
  }

  #check(key: string, compile: () => unknown): void {
    if (!this.#checked.has(key)) this.#checked.set(key, failureOf(compile));
    const failure = this.#checked.get(key);
    if (failure !== undefined) this.#error(failure);
  }

  #error(message: string): void {
    this.result.problems.push({
      file: this.#file,
      line: this.#line,
      message: escapeText(message, 500),
      severity: 'error',
    });
  }
}

type Seven = [string, string, string, string, string, string, string];

function failureOf(compile: () => unknown): string | undefined {
  try {
    compile();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function isEffect(word: string): word is Effect {
  return word === 'allow' || word === 'deny';
}

function isChildren(word: string): word is Children {
  return word === 'checked' || word === 'trusted' || word === 'none';
}

function show(text: string | undefined): string {
  return `'${escapeText(text ?? '', 60)}'`;
}
