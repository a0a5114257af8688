/** From the text a feed gives to facts by subject. What does not read as facts is refused whole. */
import { readYaml } from '../config/index.js';
import { messageOf } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { isFingerprint, isUserName } from '../core/names.js';
import { MAX_FACTS, MAX_NAME, MAX_SUBJECTS, MAX_VALUE, type Subjects } from '../wire/feeder.js';

type Facts = Subjects[number][1];
type Loose = Record<string, unknown>;

/** YAML takes a hundred times as long to read as JSON. Unit: characters. */
const MAX_YAML = 1024 * 1024;

/** `{ users: { alice: FACTS }, keys: { 'SHA256:…': FACTS } }`, JSON or YAML. Throws an Error with words for the operator. */
export function readEveryone(text: string): Subjects {
  const value = parse(text);
  if (!isMap(value)) throw new Error('it is not a map with users and keys');
  const unknown = Object.keys(value).find((key) => key !== 'users' && key !== 'keys');
  if (unknown !== undefined) throw new Error(`it holds ${show(unknown)}: only users and keys are known`);
  const subjects = [...group(value, 'users', isUserName), ...group(value, 'keys', isFingerprint)];
  if (subjects.length > MAX_SUBJECTS)
    throw new Error(`it tells of ${subjects.length} subjects: at most ${MAX_SUBJECTS}`);
  return subjects;
}

/** FACTS of the one who was asked about. Throws likewise. */
export function readOne(text: string): Subjects {
  return [['', factsOf(parse(text), 'the answer')]];
}

function group(value: Loose, key: string, isName: (name: string) => boolean): Subjects {
  const entries = value[key] ?? {};
  if (!isMap(entries)) throw new Error(`${key} is not a map`);
  return Object.entries(entries).map(([name, facts]): Subjects[number] => {
    if (!isName(name))
      throw new Error(`${key}: ${show(name)} is not a ${key === 'users' ? 'user name' : 'fingerprint'}`);
    return [name, factsOf(facts, show(name))];
  });
}

/** `{ risk.score: 80 }` or `{ risk: { score: 80 } }`; what is null is not known. */
function factsOf(value: unknown, whose: string): Facts {
  if (!isMap(value)) throw new Error(`${whose}: the facts are not a map`);
  const facts: Facts = {};
  for (const [name, inner] of Object.entries(value)) {
    if (isMap(inner)) for (const [field, one] of Object.entries(inner)) put(facts, `${name}.${field}`, one, whose);
    else put(facts, name, inner, whose);
  }
  if (Object.keys(facts).length > MAX_FACTS) throw new Error(`${whose}: more than ${MAX_FACTS} facts`);
  return facts;
}

function put(facts: Facts, name: string, value: unknown, whose: string): void {
  if (value === null) return;
  const fits = typeof value === 'boolean' || Number.isFinite(value) || isText(value);
  if (!fits) throw new Error(`${whose}: ${show(name)} is not text, a number, true or false`);
  if (name.length > MAX_NAME) throw new Error(`${whose}: a name of ${name.length} characters`);
  facts[name] = value as string | number | boolean;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= MAX_VALUE;

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (/^\s*[[{]/.test(text) && text.length > MAX_YAML) throw new Error(`it is not JSON: ${messageOf(error)}`);
  }
  if (text.length > MAX_YAML) throw new Error('it is longer than 1 MiB: only JSON may be');
  return readYaml(text);
}

const isMap = (value: unknown): value is Loose => typeof value === 'object' && value !== null && !Array.isArray(value);
const show = (name: string): string => escapeText(name, 60);
