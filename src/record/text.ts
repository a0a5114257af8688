import { readCast } from './reader.js';
import { createVtParser } from './vt-parser.js';

/** What was shown, both streams, without any escape sequence or control but newline and tab. A whole recording in memory. */
export async function castToText(path: string): Promise<string> {
  let text = '';
  const plain = createVtParser({
    text: (run) => {
      text += run;
    },
    control: (code) => {
      if (code === 0x0a || code === 0x09) text += String.fromCharCode(code);
    },
    escape: () => {},
    csi: () => {},
  });
  const cast = await readCast(path);
  for await (const event of cast.events) if (event.kind === 'output') plain.push(event.text);
  return text;
}
