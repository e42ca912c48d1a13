/** One figure beside its peer or physical limit, both measured in this run. */
export interface BenchRecord {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly reference: Figure;
  /** value ÷ reference.value. Whether more is better depends on the unit. */
  readonly ratio: number;
}

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

export interface Bench {
  /** `<area>.<what>`, as `--only` takes it. */
  readonly name: string;
  run(progress: (message: string) => void): Promise<BenchRecord>;
}

/** @throws RangeError when either figure is not a positive number: a ratio over nothing would look like a result */
export function compare(name: string, value: number, unit: string, reference: Figure): BenchRecord {
  for (const figure of [value, reference.value]) {
    if (!Number.isFinite(figure) || figure <= 0) throw new RangeError(`${name}: ${figure} is not a measurement`);
  }
  return { name, value, unit, reference, ratio: value / reference.value };
}
