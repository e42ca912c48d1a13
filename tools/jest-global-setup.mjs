import { beginTestRun } from './test-run.mjs';

export default function setup() {
  process.env.STRONGROOM_TEST_RUN = beginTestRun();
}
