import { startBroker, type TestBroker } from './broker.js';
import { installPackage } from './installed.js';
import { addPerson, type Person } from './people.js';

/** Nobody but alice may run any command at all, and she may not run `sallyport`. */
const POLICY = `
p, in,       *,        *, @login,                               true, allow, checked
p, session,  *,        *, @session,                             true, allow, checked
p, exec,     engineer, *, @exec,                                true, allow, checked
p, words,    engineer, *, {id|echo|cat|sleep|bash|ls} **,       true, allow, checked
p, node,     engineer, *, ${process.execPath} **,               true, allow, checked
p, lead,     oncall,   *, @admin:{lock|unlock|locks|kill|sessions}, true, allow, checked
p, read,     auditor,  *, @admin:{replay|recordings|audit|sessions}, true, allow, checked
p, all,      admin,    *, @admin:*,                             true, allow, checked
p, risky,    auditor,  *, @admin:audit,                           "has(risk.score) && risk.score > 50.0", deny, checked
p, not-me,   barred,   *, @admin:*,                             true, deny,  checked
`;
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** Root plays the ordinary user as `nobody`, too. */
export const KINDS = isRoot ? (['account', 'sandbox'] as const) : (['sandbox'] as const);

/** A broker with one of each who administrate over ssh, beside alice, an engineer. */
export interface Administrated {
  broker: TestBroker;
  admin: Person;
  lead: Person;
  auditor: Person;
  /** An admin whom a rule denies every verb. */
  barred: Person;
  /** Live sessions of a user. */
  liveOf(user: string): Promise<{ id: string; user: string }[]>;
}

export async function openAdministrated(kind: 'account' | 'sandbox'): Promise<Administrated> {
  if (isRoot && kind === 'sandbox') process.env.TMPDIR = '/var/lib';
  const as = isRoot && kind === 'sandbox' ? { as: { uid: NOBODY, bin: installPackage() } } : {};
  const broker = await startBroker({ policy: POLICY, ...as });
  const account = kind === 'account' ? 'nobody' : undefined;
  return {
    broker,
    admin: await addPerson(broker, 'ada', account, ['admin']),
    lead: await addPerson(broker, 'lea', account, ['oncall']),
    auditor: await addPerson(broker, 'aud', account, ['auditor']),
    barred: await addPerson(broker, 'bar', account, ['admin', 'barred']),
    liveOf: async (user) =>
      (await broker.json<{ id: string; user: string }[]>('sessions')).filter((s) => s.user === user),
  };
}
