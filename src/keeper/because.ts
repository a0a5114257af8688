import type { Change } from '../authority/index.js';

/** What a change was, for the line that tells an engineer why a program ended. */
export function becauseOf({ kind, grants = [] }: Change): string {
  const [grant] = grants;
  const which = grants.length === 1 && grant ? `grant ${grant.id}` : `${grants.length} grants`;
  switch (kind) {
    case 'revoke':
      return `${which} revoked`;
    case 'grant-ended':
      return `${which} ended`;
    case 'policy':
      return 'the policy changed';
    case 'context':
      return 'the context changed';
    default:
      return 'rights changed';
  }
}
