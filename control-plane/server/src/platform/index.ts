export { createApplication, type Application } from './application.js';
export { CertificateAuthority, createAuthority, type IssuedCertificate } from './authority.js';
export { Clock, SystemClock } from './clock.js';
export { Configuration, defineConfig, loadConfig, parseConfig, type ConfigOf, type ConfigSection, type Environment, type Profile } from './config.js';
export { CrashPoints, crashPoints, type CrashPoint } from './crash-points.js';
export { Database, isUniqueViolation, type DatabaseConnection, type Isolation, type Schema } from './database.js';
export { errorCodes, StrongroomError, type ErrorCode, type Fault, type Reason } from './errors.js';
export type { Listeners } from './listeners.js';
export { createLogger, describeError, type Logger } from './logger.js';
export { nodeOfCertificate, spiffeId } from './node-certificate.js';
export { openPlatform } from './open-platform.js';
export { OpenApi, writeOpenApi } from './openapi.js';
export {
  authorityConfig,
  databaseConfig,
  databaseConnection,
  identityConfig,
  listenersConfig,
  logConfig,
  platformSections,
  type IdentityConfig,
  type ListenersConfig,
} from './platform.config.js';
export { CONFIGURATION, LOGGER, PlatformModule, type Platform } from './platform.module.js';
export { AccessDecider, NodeRegistry, SessionVerifier, type AccessQuestion, type Anyone, type Decision, type Node, type Person, type Principal } from './principal.js';
export { problemSchema, type Problem } from './problem.js';
export { Randomness, SystemRandomness } from './randomness.js';
export { RouteAction, type ListedRoute, type RouteActionOptions, type Surface } from './route-action.js';
export { CurrentNode, CurrentPerson, RouteGuard } from './route.guard.js';
export { parseStrictJson } from './strict-json.js';
export { TrustAnchors } from './trust-anchors.js';
export { trustConfig, type TrustConfig } from './trust.config.js';
