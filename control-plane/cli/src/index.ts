export { runCli } from './run-cli.js';
export type { Io } from './cli.js';
export { CliError, EXIT } from './errors.js';
export type { CliErrorCode } from './errors.js';
