/** A TPM maker's root for endorsement-key certificates, known by fingerprint alone. */
export interface VendorRoot {
  /** `sha256:<hex>` over the root's DER. */
  readonly digest: string;
  readonly vendor: string;
  readonly commonName: string;
  /** Year the root ends. */
  readonly endsIn: number;
}

/**
 * Self-signed roots under which TPM makers certify endorsement keys. Facts, not copies: the certificates come with the evidence or from
 * the operator's mirror folder. Fingerprints were computed from the certificates the Keylime project distributes in `tpm_cert_store`
 * (commit 9b1f6e6a917f, read 2026-11); check each against its maker's own publication before relying on it in production.
 *
 * Left out on purpose: intermediates, cross-certified roots (a maker's tree then hangs under its issuer's root), cloud providers' virtual TPMs,
 * and any machine's own swtpm-localca, which vouches for nothing.
 */
export const VENDOR_EK_ROOTS: readonly VendorRoot[] = Object.freeze([
  { digest: 'sha256:f27bf02c6e00c73d915eeb6a6a2f5fbf0c31ae0393149e6b5c31e41b113841c3', vendor: 'GlobalSign', commonName: 'GlobalSign Trusted Platform Module Root CA', endsIn: 2049 },
  { digest: 'sha256:cfeb02fecd55ad7a73c6e1d11985d4c47dee248ab63dcb66091a2489660443c3', vendor: 'Infineon Technologies AG', commonName: 'Infineon OPTIGA(TM) ECC Root CA', endsIn: 2043 },
  { digest: 'sha256:899e35474c9807eb4c7f2f7a12da0028fb250cd02154d0009fca7d9c66574f3b', vendor: 'Infineon Technologies AG', commonName: 'Infineon OPTIGA(TM) RSA Root CA', endsIn: 2043 },
  { digest: 'sha256:2e1b3ba79af56d758be51697621bc4b9e8cee0983db3e749c55eb9b37c6d2ae0', vendor: 'Intel Corporation', commonName: 'www.intel.com', endsIn: 2049 },
  { digest: 'sha256:56b67007f448bd5c5746299fcdea9323971bbdaaefd8e3b9b84773abc888c90e', vendor: 'Nuvoton Technology Corporation', commonName: 'NTC TPM EK Root CA 01', endsIn: 2032 },
  { digest: 'sha256:8fac94b462b37acb84431bdc71395585caf518c17f656051ff9c4347a4726ed9', vendor: 'Nuvoton Technology Corporation', commonName: 'NTC TPM EK Root CA 02', endsIn: 2032 },
  { digest: 'sha256:887bc9658ffc6ad7f4eeb85c8819772ff609ee64c4dac4a6dca654a39e94b289', vendor: 'Nuvoton Technology Corporation', commonName: 'Nuvoton TPM Root CA 0100', endsIn: 2035 },
  { digest: 'sha256:2782e51a95e86d9557fe4204316cf805bd6f5898f81f9732e944d742bcdc5f54', vendor: 'Nuvoton Technology Corporation', commonName: 'Nuvoton TPM Root CA 1110', endsIn: 2035 },
  { digest: 'sha256:e38c280f7c0e0b49f31efc7531032bb6a86c3fba4eb89beb1d510eaa4510ae4a', vendor: 'Nuvoton Technology Corporation', commonName: 'Nuvoton TPM Root CA 1111', endsIn: 2037 },
  { digest: 'sha256:4aebe77a51ed29959a7f9f5e07a24a558dee8167f3985d724995a541c258dfda', vendor: 'Nuvoton Technology Corporation', commonName: 'Nuvoton TPM Root CA 2110', endsIn: 2035 },
  { digest: 'sha256:cd8185ff8995ed09811970090a8c36fafab34ef87f47fa51fdb9ecf95c9c2e04', vendor: 'Nuvoton Technology Corporation', commonName: 'Nuvoton TPM Root CA 2111', endsIn: 2037 },
]);

/** The pinned fingerprints in the form `verifyEndorsement` takes. */
export function vendorEkRootDigests(): readonly string[] {
  return VENDOR_EK_ROOTS.map(({ digest }) => digest);
}
