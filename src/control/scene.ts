/** The scene `explain` plays in: the rights of a live session, or of a login now, with facts set by hand. */
import { hasType } from '../config/index.js';
import { parseDuration } from '../core/duration.js';
import { SallyportError } from '../core/errors.js';
import type { BaseFacts, FactValue, RightsData } from '../policy/types.js';
import { pickId } from './act.js';
import type { Request } from './admin-port.js';
import type { Deps } from './deps.js';
import { mustKnow } from './people.js';

export interface Scene {
  data: RightsData;
  /** Wall time, ms. */
  atMs: number;
}

/** Throws `not-found` for a user, target or session that is not there, `usage` for a fact there cannot be. */
export function setScene(deps: Deps, request: Request<'explain'>): Scene {
  mustKnow(deps, request.user);
  const scene = {
    data: request.session === undefined ? loginNow(deps, request) : ofSession(deps, request),
    atMs: deps.clock.now(),
  };
  for (const [name, value] of Object.entries(request.facts ?? {})) setFact(deps, scene, name, value as FactValue);
  return scene;
}

function loginNow(deps: Deps, { user, target }: Request<'explain'>): RightsData {
  if (!Object.hasOwn(deps.config().targets, target))
    throw new SallyportError(
      'not-found',
      `no target ${target}: there are ${Object.keys(deps.config().targets).join(', ')}`,
    );
  const source = { ip: '127.0.0.1' };
  const auth = { method: 'publickey' };
  return copy(deps.authority.rightsFor({ user, target, source, auth, startedAt: deps.clock.now() }));
}

function ofSession(deps: Deps, { user, target, session: prefix = '' }: Request<'explain'>): RightsData {
  const id = pickId(
    deps.live.sessions().map((s) => s.id),
    prefix,
    'live session',
  );
  const found = deps.live.session(id);
  if (!found || found.rights.user !== user || found.rights.target !== target)
    throw new SallyportError('not-found', `session ${id} is not one of ${user} on ${target}`);
  return copy(found.rights);
}

/** Facts are about to be changed; rows are not. */
const copy = (data: RightsData): RightsData => ({ ...data, facts: structuredClone(data.facts) });

const SETTERS: Record<string, (facts: BaseFacts, value: FactValue, atMs: number) => boolean> = {
  'source.ip': (facts, value) => isText(value) && Boolean(Object.assign(facts.source, { ip: value })),
  'source.country': (facts, value) => isText(value) && Boolean(Object.assign(facts.source, { country: value })),
  'auth.method': (facts, value) => isText(value) && Boolean(Object.assign(facts.auth, { method: value })),
  'auth.key': (facts, value) => isText(value) && Boolean(Object.assign(facts.auth, { key: value })),
  'risk.score': (facts, value) => typeof value === 'number' && Boolean(Object.assign(facts.risk, { score: value })),
  'approval.by': (facts, value) => isText(value) && Boolean(Object.assign(facts.approval, { by: value })),
  'mfa.age': (facts, value, atMs) => setAge(value, (age) => Object.assign(facts, { mfaAt: atMs - age })),
  'session.age': (facts, value, atMs) => setAge(value, (age) => Object.assign(facts, { startedAt: atMs - age })),
};

const isText = (value: FactValue): value is string => typeof value === 'string';

function setAge(value: FactValue, set: (age: number) => unknown): boolean {
  const age = isText(value) ? parseDuration(value) : undefined;
  return age !== undefined && Boolean(set(age));
}

function setFact(deps: Deps, scene: Scene, name: string, value: FactValue): void {
  const [group = '', label = ''] = name.split('.', 2);
  if (name === 'time.now') setTime(scene, value);
  else if (group === 'user' || group === 'target' || group === 'device') setLabel(deps, scene, group, label, value);
  else setBuiltIn(scene, name, value);
}

function setBuiltIn(scene: Scene, name: string, value: FactValue): void {
  const set = Object.hasOwn(SETTERS, name) ? SETTERS[name] : undefined;
  if (!set) throw new SallyportError('usage', `--fact ${name}: no such fact to set: ${settable()}`);
  if (!set(scene.data.facts, value, scene.atMs))
    throw new SallyportError('usage', `--fact ${name}=${JSON.stringify(value)}: not a value ${name} can have`);
}

const settable = () =>
  `there are ${Object.keys(SETTERS).join(', ')}, time.now, and the labels user.*, target.*, device.*`;

/** Ages count from the moment the scene plays at, so they go with it. */
function setTime(scene: Scene, value: FactValue): void {
  const atMs = isText(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(atMs))
    throw new SallyportError('usage', '--fact time.now: write a time such as 2026-03-01T14:00:00Z');
  const shift = atMs - scene.atMs;
  const { facts } = scene.data;
  facts.startedAt += shift;
  if (facts.mfaAt !== undefined) facts.mfaAt += shift;
  scene.atMs = atMs;
}

function setLabel(
  deps: Deps,
  scene: Scene,
  group: 'user' | 'target' | 'device',
  label: string,
  value: FactValue,
): void {
  const types = deps.config().labels[group];
  const type = Object.hasOwn(types, label) ? types[label] : undefined;
  if (type === undefined)
    throw new SallyportError('usage', `--fact ${group}.${label}: no such label in sallyport.yaml`);
  if (!hasType(value, type))
    throw new SallyportError(
      'usage',
      `--fact ${group}.${label}=${JSON.stringify(value)}: the label is declared as ${type}`,
    );
  scene.data.facts[group][label] = value;
}
