package strongroom.release

import data.config
import data.strongroom.lib.guards

proved contains "attestation.affirming" if input.attestation.status == "affirming"

proved contains "attestation.fresh" if {
	guards.recent(input.attestation.appraised_at, input.now, _action.attestation_max_age_seconds)
}

# The evidence was made for this, by this node's key, over the very transport key that will be sealed to.
proved contains "attestation.bound" if {
	input.attestation.purpose == _action.attestation_purpose
	guards.text(input.attestation.ak_name)
	input.attestation.ak_name == input.node.ak_name
	guards.digest(input.attestation.transport_key_digest)
	guards.digest(input.attestation.evidence_digest)
}

proved contains "attestation.environment" if {
	guards.text(input.attestation.environment)
	input.attestation.environment in input.asset.manifest.environments
	input.attestation.environment in input.enclave.environments
}

proved contains "attestation.kind" if {
	guards.text(input.attestation.kind)
	input.attestation.kind in config.evidence.kinds
	input.attestation.kind in input.enclave.evidence_kinds
}

proved contains "attestation.hardware" if {
	input.attestation.hardware == true
	input.attestation.kind in config.evidence.hardware_kinds
	is_boolean(input.enclave.require_hardware)
}

# Only where neither the profile nor the enclave asks for hardware.
proved contains "attestation.hardware" if {
	input.attestation.hardware == false
	config.evidence.require_hardware == false
	input.enclave.require_hardware == false
}

proved contains "attestation.policy" if {
	guards.digest(input.attestation.policy_digest)
	input.attestation.policy_digest == input.policy.digest
}

proved contains "enclave.current" if guards.ahead(input.enclave.expires_at, input.now, config.horizons.enclave_seconds)
