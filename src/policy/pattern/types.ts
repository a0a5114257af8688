import type { Glob } from './glob.js';

/** One word of a pattern, any of several globs; or any number of words. */
export type Token = { kind: 'word'; alternatives: readonly Glob[] } | { kind: 'many' };

/** `-r`, `--recursive`: any of these makes a word hold the option. */
export type OptionGroup = readonly string[];

export interface CommandPattern {
  kind: 'command';
  /** A lone `*`: every command, wherever its file lies. */
  every: boolean;
  program: readonly Glob[];
  /** What follows the program, options taken out. */
  rest: readonly Token[];
  options: readonly OptionGroup[];
  /** The pattern itself speaks of `--`. */
  dashes: boolean;
}

export interface ActionPattern {
  kind: 'action';
  /** Colon-parts after the `@`; of each, any alternative. */
  parts: readonly (readonly Glob[])[];
}

export type Pattern = CommandPattern | ActionPattern;

/** What is wrong with a pattern, for a person. */
export class PatternError extends Error {}
