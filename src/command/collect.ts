import { type Command, forEachChild, type ParseError, parse, type Script, type SyntaxNode } from 'unbash';
import type { Word } from '../policy/types.js';
import type { ParsedCommand } from './types.js';
import { unwrap } from './unwrap.js';
import { wordsOf } from './words.js';

/** Syntax nodes inside each other, some 50 substitutions deep; bounds the walk's stack and its time. */
const MAX_DEPTH = 250;
/** Commands in one line; bounds what a gate has to decide. */
const MAX_COMMANDS = 5_000;
/** `eval "eval 'eval …'"`: text parsed again inside text. */
const MAX_REPARSE = 8;

/** Walks a syntax tree and keeps every simple command in it. */
export class Collector {
  readonly commands: ParsedCommand[] = [];
  readonly errors: ParseError[] = [];
  tooMuch = false;
  #source: string;
  #depth = 0;
  #reparsed = 0;

  constructor(source: string) {
    this.#source = source;
  }

  visit(node: SyntaxNode): void {
    if (this.#depth >= MAX_DEPTH || this.commands.length >= MAX_COMMANDS) {
      this.tooMuch = true;
      return;
    }
    this.#depth++;
    if (node.type === 'Script') this.#script(node);
    else {
      if (node.type === 'Command') this.#command(node);
      if (isUnread(node)) this.errors.push({ message: 'a substitution cannot be read', pos: node.pos });
      forEachChild(node, (child) => this.visit(child));
    }
    this.#depth--;
  }

  #script(script: Script & { errors?: readonly ParseError[] | undefined }): void {
    const outer = this.#source;
    if (script.source !== undefined) this.#source = script.source;
    if (script.errors) this.errors.push(...script.errors);
    forEachChild(script, (child) => this.visit(child));
    this.#source = outer;
  }

  #command(command: Command): void {
    const text = this.#source.slice(command.pos, command.end);
    let words: Word[] | undefined = wordsOf(command);
    if (words.length === 0) return;
    while (words !== undefined) {
      this.commands.push({ words, text });
      this.#evaluated(words);
      words = unwrap(words);
    }
  }

  /** What `eval` is given runs as a line of its own, as far as it can be known. */
  #evaluated(words: readonly Word[]): void {
    const [name, ...rest] = words;
    if (name?.dynamic || name?.text !== 'eval' || rest.some((word) => word.dynamic)) return;
    const text = (rest[0]?.text === '--' ? rest.slice(1) : rest).map((word) => word.text).join(' ');
    if (text !== '') this.#again(text);
  }

  #again(text: string): void {
    if (this.#reparsed >= MAX_REPARSE) {
      this.tooMuch = true;
      return;
    }
    this.#reparsed++;
    const outer = this.#source;
    const kept = this.errors.length;
    this.#source = text;
    this.visit(parse(text));
    // What is wrong inside is the shell's to say at run time: it does not make the line itself bad.
    this.errors.length = kept;
    this.#source = outer;
    this.#reparsed--;
  }
}

function isUnread(node: SyntaxNode): boolean {
  switch (node.type) {
    case 'CommandExpansion':
    case 'ProcessSubstitution':
    case 'ArithmeticCommandExpansion':
      return node.script === undefined;
    default:
      return false;
  }
}
