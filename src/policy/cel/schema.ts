import type { Labels, LabelType } from '../types.js';

const TIMESTAMP = 'google.protobuf.Timestamp';
const DURATION = 'google.protobuf.Duration';

export type FieldType = LabelType | typeof TIMESTAMP | typeof DURATION;

/** Every object conditions can see, its fields and their types. */
export type Schema = Readonly<Record<string, Readonly<Record<string, FieldType>>>>;

/** The context as section "Context" of the policy reference lists it; labels come from the configuration. */
export function schemaOf(labels: Labels): Schema {
  return {
    user: labels.user,
    target: labels.target,
    device: labels.device,
    source: { ip: 'string', country: 'string' },
    time: { now: TIMESTAMP, hour: 'int', weekday: 'int' },
    auth: { method: 'string', key: 'string' },
    mfa: { age: DURATION },
    risk: { score: 'double' },
    session: { age: DURATION },
    approval: { by: 'string' },
  };
}
