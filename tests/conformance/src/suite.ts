/** One checked statement. It passed if and only if `expected` and `got` are the same text. */
export interface SuiteCase {
  readonly case: string;
  readonly expected: string;
  readonly got: string;
}

/** Vectors of one kind and the code that judges them. Cases come from what stands in the folder, never from a list in here. */
export interface Suite {
  readonly name: string;
  /** Below the folder of vectors, with `/`. When it is not there, the suite is skipped. */
  readonly folder: string;
  /** @param folder absolute. Throws only when the folder as a whole cannot be judged, which is a failure. */
  run(folder: string): Promise<readonly SuiteCase[]>;
}
