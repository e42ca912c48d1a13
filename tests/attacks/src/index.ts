export { accepted, judge, outcomeOf } from './attack.js';
export type { Attack, Outcome, Verdict } from './attack.js';
export { attacks } from './attacks/index.js';
export { Stage } from './stage/stage.js';
