export { type Enrolment, enrol, type Factor, type Proof, prove } from './factor.js';
export { createLimiter, type Limiter } from './limiter.js';
