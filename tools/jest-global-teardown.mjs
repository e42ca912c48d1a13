import { endTestRun } from './test-run.mjs';

export default async function teardown() {
  if (process.env.STRONGROOM_TEST_RUN !== undefined) await endTestRun(process.env.STRONGROOM_TEST_RUN);
}
