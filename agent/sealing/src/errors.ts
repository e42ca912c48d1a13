export type SealingErrorCode =
  // The container
  | 'seal-key-malformed'
  | 'seal-associated-data-malformed'
  | 'seal-header-malformed'
  | 'seal-segment-authentication'
  | 'seal-truncated'
  | 'seal-trailing'
  | 'seal-too-many-segments'
  | 'seal-source-changed'
  | 'seal-digest-mismatch'
  | 'seal-range'
  | 'seal-closed'
  | 'seal-aborted'
  | 'seal-io'
  // Tensor files
  | 'safetensors-truncated'
  | 'safetensors-header-too-large'
  | 'safetensors-header-malformed'
  | 'safetensors-duplicate-name'
  | 'safetensors-dtype'
  | 'safetensors-shape'
  | 'safetensors-length'
  | 'safetensors-out-of-range'
  | 'safetensors-overlap'
  | 'safetensors-hole'
  // Folders of weights
  | 'weights-absent'
  | 'weights-path'
  | 'weights-index'
  | 'weights-numbering'
  // The range server
  | 'serve-socket-path'
  | 'serve-socket-taken';

/** A sealed shard, a tensor file or a folder of weights that is not what it claims to be. Callers switch on `code`. */
export class SealingError extends Error {
  override readonly name = 'SealingError';
  /** Which ciphertext segment was at fault, counted from 0, where one was. */
  readonly segment: number | undefined;

  constructor(
    readonly code: SealingErrorCode,
    message: string,
    options?: ErrorOptions & { readonly segment?: number },
  ) {
    super(message, options);
    this.segment = options?.segment;
  }
}

/** Passes a SealingError on; anything else (a disk, a worker) becomes `seal-io` with its cause kept. */
export function asSealingError(cause: unknown): SealingError {
  if (cause instanceof SealingError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SealingError('seal-io', `could not read or write: ${reason}`, { cause });
}
