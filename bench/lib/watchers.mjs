/**
 * A process of people who watch one session, so that what they cost themselves is not the bench's own. Arguments: the control
 * socket, the session, how many, and `stalled` where they never read. A line on stdin asks for the sums.
 */
import { createInterface } from 'node:readline';
import { built } from './paths.mjs';

const [socket, id, count, how] = process.argv.slice(2);
const { openStream } = await built('control/client.js');

let bytes = 0;
let screens = 0;
let seen = 0;

async function watch() {
  const stream = await openStream(socket, 'watch', { id }, new AbortController().signal);
  seen += 1;
  if (how === 'stalled') return;
  for await (const chunk of stream) {
    bytes += chunk.length;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) screens += 1;
  }
}

for (let n = 0; n < Number(count); n++) watch().catch((error) => process.stderr.write(`${error.message}\n`));
const all = setInterval(() => {
  if (seen < Number(count)) return;
  clearInterval(all);
  process.stdout.write(`${JSON.stringify({ watching: seen })}\n`);
}, 20);
createInterface({ input: process.stdin })
  .on('line', () => process.stdout.write(`${JSON.stringify({ bytes, screens })}\n`))
  .on('close', () => process.exit());
