package strongroom.release

import data.config
import data.strongroom.lib.guards

proved contains "profile.same" if {
	guards.text(input.profile)
	input.profile == config.profile
}

# The bundle that the caller believes in force is the one that is running.
proved contains "policy.current" if {
	guards.digest(input.policy.digest)
	input.policy.digest == data.bundle.digest
	input.policy.revision == data.bundle.revision
	guards.ahead(input.policy.expires_at, input.now, config.horizons.policy_seconds)
	input.policy.expires_at <= data.bundle.expires_at
}

proved contains "request.open" if {
	guards.text(input.request.state)
	input.request.state in _action.states
}

proved contains "request.window" if {
	guards.natural(input.now)
	guards.natural(input.request.not_before)
	guards.natural(input.request.not_after)
	input.request.not_before <= input.now
	input.now < input.request.not_after
	input.request.not_after - input.request.not_before <= _purpose.max_window_seconds
}

# The approval clock: opened in the past, and for no longer than policy lets approvals trickle in.
proved contains "request.approve_by" if {
	guards.natural(input.now)
	guards.natural(input.request.created_at)
	guards.natural(input.request.approve_by)
	input.request.created_at <= input.now
	input.request.created_at < input.request.approve_by
	input.request.approve_by - input.request.created_at <= config.windows.approve_seconds
}

proved contains "request.uses" if {
	guards.natural(input.request.uses)
	guards.natural(input.request.max_uses)
	input.request.uses < input.request.max_uses
	input.request.max_uses <= _purpose.max_uses
}

# For a renewal the use was consumed when the lease began.
proved contains "request.in_use" if {
	guards.natural(input.request.uses)
	guards.natural(input.request.max_uses)
	input.request.uses >= 1
	input.request.uses <= input.request.max_uses
	input.request.max_uses <= _purpose.max_uses
}

proved contains "request.purpose" if {
	is_string(input.request.ticket)
	count(input.request.ticket) >= _purpose.ticket_min_length
}

proved contains "request.node" if {
	guards.text(input.request.node)
	input.request.node == input.node.id
	guards.text(input.request.enclave)
	input.request.enclave == input.node.enclave
	input.request.enclave == input.enclave.id
}

proved contains "request.asset" if {
	guards.digest(input.request.manifest_digest)
	input.request.manifest_digest == input.asset.manifest.digest
}

proved contains "node.enrolled" if {
	input.node.state == "enrolled"
	guards.text(input.node.ak_name)
}

proved contains "node.registered_by_two" if {
	guards.natural(input.node.registered_by)
	input.node.registered_by >= config.release.min_node_registrars
	input.node.registered_by <= config.release.max_node_registrars
}

_purpose := config.purposes[input.request.purpose]
