/** Rules that join several keys: labels give the types of targets' values, and names may not repeat. */

import { nearest } from '../core/names.js';
import type { FactValue, LabelType } from '../policy/types.js';
import { checkFeeds } from './feeds.js';
import { show } from './fields.js';
import { hasType, isLabelType } from './labels.js';
import type { Written } from './schema.js';

interface Finding {
  path: PropertyKey[];
  message: string;
}

type Loose = Record<string, unknown>;

/**
 * Checks the file's own values, whatever else is wrong with them, so that every problem is reported at once. Parts of
 * the wrong type are left to the schema.
 */
export function checkAcross(value: unknown): Finding[] {
  if (!isMap(value)) return [];
  return [...checkTargets(value), ...checkAdmins(value.admins), ...checkContext(value)];
}

/** Labels that are themselves wrong are reported as such; here they count as not declared. */
function checkContext(value: Loose): Finding[] {
  const feeds = isMap(value.context) ? value.context.feeds : undefined;
  if (!isMap(feeds)) return [];
  const labels = isMap(value.labels) ? value.labels : {};
  const user = typesOf(labels.user ?? {});
  const device = typesOf(labels.device ?? { managed: 'bool' });
  return checkFeeds(feeds, { user, device, target: {} });
}

const typesOf = (declared: unknown): Record<string, LabelType> =>
  Object.fromEntries(entries(declared).filter((entry): entry is [string, LabelType] => isLabelType(entry[1])));

function checkTargets(value: Loose): Finding[] {
  const declared = declaredLabels(value.labels);
  const findings: Finding[] = [];
  for (const [name, labels] of entries(value.targets))
    for (const [label, given] of entries(labels)) {
      const type = Object.hasOwn(declared, label) ? declared[label] : undefined;
      const path = ['targets', name, label];
      if (type === undefined) findings.push({ path, message: undeclared(label, declared) });
      else if (isLabelType(type) && !hasType(given, type))
        findings.push({ path, message: `${show(given)} is not of the declared type ${type}` });
    }
  return findings;
}

function undeclared(label: string, declared: Loose): string {
  const near = nearest(label, Object.keys(declared));
  const hint = near === undefined ? `declare it under labels.target, as in ${label}: string` : `did you mean ${near}?`;
  return `this label is not declared: ${hint}`;
}

function declaredLabels(labels: unknown): Loose {
  const target = isMap(labels) ? labels.target : undefined;
  if (target === undefined) return { sensitivity: 'int' };
  return isMap(target) ? target : {};
}

function checkAdmins(admins: unknown): Finding[] {
  if (!Array.isArray(admins)) return [];
  const seen = new Map<unknown, number>();
  const findings: Finding[] = [];
  admins.forEach((admin: unknown, index) => {
    const uid = isMap(admin) ? admin.uid : undefined;
    if (uid !== undefined && seen.has(uid))
      findings.push({ path: ['admins', index], message: `uid ${show(uid)} is listed twice` });
    seen.set(uid, index);
  });
  return findings;
}

/** The targets with their labels; `local` is always one, and its default label counts only while it is declared. */
export function targetsOf(written: Written): Record<string, Record<string, FactValue>> {
  const usual: Record<string, FactValue> = written.labels.target.sensitivity === 'int' ? { sensitivity: 1 } : {};
  const given = written.targets ?? { local: usual };
  const targets: Record<string, Record<string, FactValue>> = { local: {} };
  for (const [name, labels] of Object.entries(given)) targets[name] = labels as Record<string, FactValue>;
  return targets;
}

const isMap = (value: unknown): value is Loose => typeof value === 'object' && value !== null && !Array.isArray(value);
const entries = (value: unknown): [string, unknown][] => (isMap(value) ? Object.entries(value) : []);
