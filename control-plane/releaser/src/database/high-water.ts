import { ContractError, type VerifiedRelease } from '@strongroom/control-plane-contract';
import { fitsNumber } from './integers.js';
import type { Queryable } from './database.js';

/** A signed document, or checkpoint, of which no older one is believed again (protocol rule 10). */
export interface Mark {
  readonly kind: 'roster' | 'policy' | 'enclave' | 'manifest' | 'registration' | 'checkpoint';
  /** What the versions count: an enclave, an asset, a node, a log's origin; empty where there is one only. */
  readonly subject: string;
  /** Version, or tree size. */
  readonly version: number;
  /** Two of one version must be one and the same. */
  readonly digest: string;
}

/**
 * Raises the marks, durably, and refuses anything below them. Raised even when the request is refused later: a new version that
 * was genuinely signed stays seen.
 * @throws ContractError `statement-rolled-back` | `log-rolled-back`
 */
export async function raiseMarks(database: Queryable, marks: readonly Mark[]): Promise<void> {
  // One order for everybody, so that two statements never wait for each other's rows.
  const sorted = [...marks].sort((a, b) => (`${a.kind} ${a.subject}` < `${b.kind} ${b.subject}` ? -1 : 1));
  await database.query(
    `INSERT INTO high_water (kind, subject, version, digest)
     SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[])
     ON CONFLICT (kind, subject) DO UPDATE SET version = excluded.version, digest = excluded.digest WHERE excluded.version > high_water.version`,
    [sorted.map((mark) => mark.kind), sorted.map((mark) => mark.subject), sorted.map((mark) => mark.version), sorted.map((mark) => mark.digest)],
  );
  await requireMarks(database, sorted);
}

/** Refuses anything below the marks, without raising any. @throws ContractError `statement-rolled-back` | `log-rolled-back` */
export async function requireMarks(database: Queryable, marks: readonly Mark[]): Promise<void> {
  const { rows } = await database.query<{ kind: string; subject: string; version: string; digest: string }>(
    `SELECT kind, subject, version, digest FROM high_water WHERE (kind, subject) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
    [marks.map((mark) => mark.kind), marks.map((mark) => mark.subject)],
  );
  for (const mark of marks) {
    const highest = rows.find((row) => row.kind === mark.kind && row.subject === mark.subject);
    if (highest === undefined) continue;
    const version = fitsNumber(highest.version);
    if (mark.version > version || (mark.version === version && mark.digest === highest.digest)) continue;
    if (mark.kind === 'checkpoint') throw new ContractError('log-rolled-back', 'the proof is under an older or another checkpoint than one seen before; prove it again under the newest');
    throw new ContractError('statement-rolled-back', `an older or another ${mark.kind} than one seen before`);
  }
}

/** Marks of everything signed in a release. */
export function documentMarks({ roster, policy, enclave, manifest, registration }: Pick<VerifiedRelease, 'roster' | 'policy' | 'enclave' | 'manifest' | 'registration'>): Mark[] {
  return [
    { kind: 'roster', subject: '', version: roster.value.version, digest: roster.digest },
    { kind: 'policy', subject: '', version: policy.value.version, digest: policy.digest },
    { kind: 'enclave', subject: enclave.value.enclave.id, version: enclave.value.version, digest: enclave.digest },
    { kind: 'manifest', subject: manifest.value.asset.id, version: manifest.value.version, digest: manifest.digest },
    { kind: 'registration', subject: registration.value.node, version: registration.value.version, digest: registration.digest },
  ];
}

/**
 * Mark of the checkpoint a release is proven under. Size and root only: that a larger tree begins with the smaller one is not
 * shown by the material and is left to the witnesses, who cosign nothing else.
 */
export function checkpointMark({ entry: { checkpoint } }: Pick<VerifiedRelease, 'entry'>): Mark {
  return { kind: 'checkpoint', subject: checkpoint.origin, version: fitsNumber(checkpoint.size), digest: `sha256:${Buffer.from(checkpoint.rootHash).toString('hex')}` };
}
