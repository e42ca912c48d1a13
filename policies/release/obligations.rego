package strongroom.release

# Every field named here stands in a proof that both actions require: an obligation must never vanish with its field.

_obligation["release.log"] := {
	"id": "release.log",
	"type": "log",
	"properties": {
		"request_digest": input.request.digest,
		"policy_digest": input.policy.digest,
		"manifest_digest": input.asset.manifest.digest,
		"evidence_digest": input.attestation.evidence_digest,
	},
}

_obligation["budget.reserve"] := {
	"id": "budget.reserve",
	"type": "budget",
	"properties": {
		"route": input.budget.route,
		"bytes": input.budget.requested_bytes,
		"window_seconds": input.budget.window_seconds,
	},
}

_obligation["key.seal"] := {
	"id": "key.seal",
	"type": "seal",
	"properties": {
		"node": input.node.id,
		"ak_name": input.node.ak_name,
		"transport_key_digest": input.attestation.transport_key_digest,
		"shards": input.request.shards,
	},
}

_obligation["lease.limit"] := {
	"id": "lease.limit",
	"type": "lease",
	"properties": {
		"seconds": input.lease.seconds,
		"renew_seconds": input.lease.renew_seconds,
		"not_after": input.request.not_after,
	},
}
