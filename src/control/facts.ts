/** Setting facts by name, for a scene that is only played. */
import { hasType } from '../config/index.js';
import { parseDuration } from '../core/duration.js';
import type { BaseFacts, FactValue, Labels, RightsData } from '../policy/types.js';

export interface Scene {
  data: RightsData;
  /** Wall time, ms. */
  atMs: number;
}

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

/** Sets one fact of the scene, whose own facts must be a copy. Returns what is wrong with it, if anything is. */
export function setFact(labels: Labels, scene: Scene, name: string, value: FactValue): string | undefined {
  const [group = '', label = ''] = name.split('.', 2);
  if (name === 'time.now') return setTime(scene, value);
  if (group === 'user' || group === 'target' || group === 'device') return setLabel(labels, scene, group, label, value);
  const set = Object.hasOwn(SETTERS, name) ? SETTERS[name] : undefined;
  if (!set) return `no such fact to set: ${settable()}`;
  return set(scene.data.facts, value, scene.atMs)
    ? undefined
    : `${JSON.stringify(value)} is not a value ${name} can have`;
}

const settable = () =>
  `there are ${Object.keys(SETTERS).join(', ')}, time.now, and the labels user.*, target.*, device.*`;

/** Ages count from the moment the scene plays at, so they go with it. */
function setTime(scene: Scene, value: FactValue): string | undefined {
  const atMs = isText(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(atMs)) return 'write a time such as 2026-03-01T14:00:00Z';
  const shift = atMs - scene.atMs;
  const { facts } = scene.data;
  facts.startedAt += shift;
  if (facts.mfaAt !== undefined) facts.mfaAt += shift;
  scene.atMs = atMs;
  return undefined;
}

function setLabel(
  labels: Labels,
  scene: Scene,
  group: 'user' | 'target' | 'device',
  label: string,
  value: FactValue,
): string | undefined {
  const types = labels[group];
  const type = Object.hasOwn(types, label) ? types[label] : undefined;
  if (type === undefined) return 'no such label in sallyport.yaml';
  if (!hasType(value, type)) return `${JSON.stringify(value)} will not do: the label is declared as ${type}`;
  scene.data.facts[group][label] = value;
  return undefined;
}
