/** Shells that have a line gate. */
export type ShellName = 'bash' | 'zsh' | 'fish';

/** Which of them the program at `path` is, by its name. */
export function lineGateShell(path: string): ShellName | undefined {
  const name = /\/r?(bash|zsh|fish)(?:-[0-9.]+)?$/.exec(path)?.[1];
  return name as ShellName | undefined;
}
