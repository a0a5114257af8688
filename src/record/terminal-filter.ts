export interface TerminalFilter {
  push(text: string): string;
  end(): string;
}
export function createTerminalFilter(): TerminalFilter {
  throw new Error('not yet');
}
