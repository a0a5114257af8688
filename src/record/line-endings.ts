/** Output made without a terminal ends its lines in a bare newline, which a terminal in raw mode draws as a staircase. */
export function createLineEndings(): (text: string) => string {
  let afterReturn = false;
  return (text) => {
    const leading = text.startsWith('\n') && afterReturn;
    if (text !== '') afterReturn = text.endsWith('\r');
    return leading ? `\n${crlf(text.slice(1))}` : crlf(text);
  };
}

function crlf(text: string): string {
  return text.replace(/(?<!\r)\n/g, '\r\n');
}
