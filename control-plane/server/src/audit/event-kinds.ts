/** One OCSF 1.8 class as we use it. */
export interface EventClass {
  readonly classUid: number;
  readonly categoryUid: number;
  /** Members OCSF requires beyond the base event's. */
  readonly required: readonly string[];
  /** At least one of these must be there. */
  readonly oneOf?: readonly string[];
}

const classes = {
  detectionFinding: { classUid: 2004, categoryUid: 2, required: ['finding_info'] },
  complianceFinding: { classUid: 2003, categoryUid: 2, required: ['finding_info', 'compliance'] },
  entityManagement: { classUid: 3004, categoryUid: 3, required: ['entity'] },
  authentication: { classUid: 3002, categoryUid: 3, required: ['user'], oneOf: ['service', 'dst_endpoint'] },
  authorizeSession: { classUid: 3003, categoryUid: 3, required: ['user'], oneOf: ['privileges', 'groups', 'iam_roles'] },
  userAccess: { classUid: 3005, categoryUid: 3, required: ['user'] },
  applicationLifecycle: { classUid: 6002, categoryUid: 6, required: ['app'] },
  apiActivity: { classUid: 6003, categoryUid: 6, required: ['actor', 'api', 'src_endpoint'] },
  datastoreActivity: { classUid: 6005, categoryUid: 6, required: ['actor', 'src_endpoint'], oneOf: ['database', 'databucket', 'table'] },
} as const satisfies Record<string, EventClass>;

/** What happened, and the class and activity that says so in OCSF. A domain adds its kinds here. */
export const eventKinds = {
  genesis: { ...classes.entityManagement, activityId: 1 },
  heartbeat: { ...classes.applicationLifecycle, activityId: 99 },
  // Documents in force, and what we know of machines and assets.
  'policy-change': { ...classes.entityManagement, activityId: 3 },
  'enclave-change': { ...classes.entityManagement, activityId: 3 },
  'node-change': { ...classes.entityManagement, activityId: 3 },
  'node-enrolled': { ...classes.entityManagement, activityId: 1 },
  'asset-change': { ...classes.entityManagement, activityId: 3 },
  'budget-change': { ...classes.entityManagement, activityId: 3 },
  'account-change': { ...classes.entityManagement, activityId: 3 },
  // People.
  'sign-in': { ...classes.authentication, activityId: 1 },
  'sign-out': { ...classes.authentication, activityId: 2 },
  'session-change': { ...classes.authorizeSession, activityId: 1 },
  // Access.
  'request-created': { ...classes.entityManagement, activityId: 1 },
  'request-change': { ...classes.entityManagement, activityId: 3 },
  approval: { ...classes.apiActivity, activityId: 1 },
  'access-granted': { ...classes.userAccess, activityId: 1 },
  'access-revoked': { ...classes.userAccess, activityId: 2 },
  revocation: { ...classes.userAccess, activityId: 2 },
  decision: { ...classes.apiActivity, activityId: 2 },
  appraisal: { ...classes.apiActivity, activityId: 1 },
  // Keys.
  'key-release': { ...classes.datastoreActivity, activityId: 10 },
  lease: { ...classes.apiActivity, activityId: 3 },
  // Findings.
  alert: { ...classes.detectionFinding, activityId: 1 },
  'control-test': { ...classes.complianceFinding, activityId: 1 },
  // Reading the log is itself logged.
  'audit-read': { ...classes.apiActivity, activityId: 2 },
} as const satisfies Record<string, EventClass & { readonly activityId: number }>;

export type EventKind = keyof typeof eventKinds;
