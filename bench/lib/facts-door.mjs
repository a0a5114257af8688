/**
 * A door's process without ssh, shells and guards: it takes rights off a real link, compiles them, replaces them in its
 * sessions, decides @session, looks whether the person must be told, and answers. Started by facts.mjs alone.
 */
import { Socket } from 'node:net';
import { built } from './paths.mjs';

const { createLink } = await built('wire/frames.js');
const { toDoor } = await built('wire/door.js');
const { createLiveRights, SESSION_QUESTION } = await built('session/live-rights.js');
const { createRightsNews } = await built('session/rights-news.js');
const { systemClock } = await built('core/clock.js');

const clock = systemClock();
const sessions = new Map();
let told = 0;

async function take({ sid, version, rights }) {
  let session = sessions.get(sid);
  if (!session) {
    const live = await createLiveRights(rights, version);
    session = { live, news: createRightsNews(clock, live.current, () => (told += 1)), passes: 0 };
    sessions.set(sid, session);
  } else await session.live.replace(rights, version);
  session.passes += 1;
  const ended = !session.live.decide(SESSION_QUESTION, clock.now()).allow;
  if (!ended) session.news.replaced();
  link.send({ type: 'settled', sid, version, outcome: ended ? 'ended' : 'changed', programs: 0 });
}

const link = createLink(new Socket({ fd: 3, readable: true, writable: true }), {
  incoming: toDoor,
  onMessage(message) {
    if (message.type === 'rights') void take(message);
    // The bench has no other use for a notice: it asks for the sums.
    else if (message.type === 'notice') {
      const { user, system } = process.cpuUsage();
      const passes = [...sessions.values()].reduce((sum, { passes: n }) => sum + n, 0);
      process.stdout.write(`${JSON.stringify({ cpuMs: (user + system) / 1_000, passes, told })}\n`);
    }
  },
  onClose: () => process.exit(0),
});
