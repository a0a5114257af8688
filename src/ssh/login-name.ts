/** Where a login without `+target` goes. */
export const DEFAULT_TARGET = 'local';

const USER = /^[a-z0-9][a-z0-9._-]{0,31}$/;
const TARGET = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/;

export interface LoginName {
  /** As the client sent it and signed it: `alice+db1`. */
  raw: string;
  user: string;
  target: string;
}

/** Splits `user+target` at the first `+`; undefined when either part is no name of ours. */
export function parseLoginName(raw: string): LoginName | undefined {
  const plus = raw.indexOf('+');
  const user = plus === -1 ? raw : raw.slice(0, plus);
  const target = plus === -1 ? DEFAULT_TARGET : raw.slice(plus + 1);
  return USER.test(user) && TARGET.test(target) ? { raw, user, target } : undefined;
}
