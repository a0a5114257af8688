import { SallyportError } from '../core/errors.js';
import { type Enrolment, enrol } from '../mfa/index.js';
import type { Factor, User } from '../store/types.js';
import { type Act, type Scene, userOf } from './scene.js';

/** Gives a user a second factor; one they had is good no more. */
export function enrolFactor(scene: Scene, input: { user: string; issuer: string }): Act<Omit<Enrolment, 'factor'>> {
  const user = userOf(scene, input.user);
  const { factor, uri, codes } = enrol(user.name, input.issuer, scene.now);
  return { ...withFactor(scene, user, factor), result: { uri, codes } };
}

export function removeFactor(scene: Scene, input: { user: string }): Act<object> {
  const user = userOf(scene, input.user);
  if (!user.factor)
    throw new SallyportError('not-found', `${user.name} has no second factor: \`sallyport user mfa enroll\` gives one`);
  return { ...withFactor(scene, user, undefined), result: {} };
}

/** A code was used: what is left of the factor is stored before the code counts. */
export function useFactor(scene: Scene, input: { user: string; factor: Factor }): Act<object> {
  return { ...withFactor(scene, userOf(scene, input.user), input.factor), result: {} };
}

function withFactor(scene: Scene, before: User, factor: Factor | undefined): Omit<Act<object>, 'result'> {
  const { factor: _gone, ...rest } = before;
  const user: User = factor === undefined ? rest : { ...rest, factor };
  return {
    data: { ...scene.data, users: scene.data.users.map((u) => (u.name === user.name ? user : u)) },
    users: [user],
    news: { kind: 'factor', users: new Set([user.name]), cause: 'context' },
  };
}
