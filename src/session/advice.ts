import type { Admitted } from '../wire/types.js';

/**
 * Where to turn when no rule allows something and none of the user's is near: said once a session. An admin sees with it
 * what the user may not, the rules of others.
 */
export function createAdvice({ id, user, target }: Admitted): () => string | undefined {
  let given = false;
  return () => {
    if (given) return undefined;
    given = true;
    return `an admin can see what would, with: sallyport explain ${user} ${target} --session ${id} -- COMMAND`;
  };
}
