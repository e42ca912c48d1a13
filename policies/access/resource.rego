package strongroom.access

import data.config
import data.strongroom.lib.guards

proved contains "resource.type" if {
	guards.text(input.resource.type)
	input.resource.type == _action.resource_type
}

# A node speaks for itself alone.
proved contains "resource.self" if {
	guards.text(input.resource.id)
	input.resource.id == input.subject.id
}

proved contains "resource.named" if guards.text(input.resource.id)

proved contains "separation.person" if input.subject.type == "person"

# Nobody votes on what they asked for themselves.
proved contains "separation.requester" if {
	guards.text(input.subject.id)
	guards.text(input.context.requester)
	input.context.requester != input.subject.id
}

# Only the requester takes a request back.
proved contains "separation.own" if _own

# Whoever holds the auditor role only reads, whatever other role stands beside it.
proved contains "separation.auditor" if {
	is_array(input.subject.roles)
	count(input.subject.roles) > 0
	every role in input.subject.roles {
		guards.text(role)
		role != "auditor"
	}
}

proved contains "separation.auditor" if {
	"auditor" in input.subject.roles
	input.action.name in config.access.reads
}

# A request is made in the subject's own name.
proved contains "request.self" if {
	guards.text(input.subject.id)
	input.context.requester in {"", input.subject.id}
}

proved contains "request.purpose" if {
	is_string(input.context.ticket)
	count(input.context.ticket) >= _purpose.ticket_min_length
}

proved contains "request.window" if {
	guards.natural(input.context.window_seconds)
	input.context.window_seconds > 0
	input.context.window_seconds <= _purpose.max_window_seconds
}

proved contains "factors.known" if {
	guards.distinct(input.context.factors)
	every factor in input.context.factors {
		factor in config.factors
	}
}

proved contains "factors.held" if count(input.context.factors) > 0

_purpose := config.purposes[input.context.purpose]

# Who must still say yes: what policy asks of a release, and whatever more the asset's manifest does.
_obligation["approvals.needed"] := {
	"id": "approvals.needed",
	"type": "approvals",
	"properties": {
		"factors": [{"factor": factor, "count": object.get(_quorum, factor, 1)} | some factor in sort(_factors)],
		"approve_within_seconds": config.windows.approve_seconds,
	},
}

_quorum := config.release.actions.read_shard.quorum

_factors := object.keys(_quorum) | {factor | some factor in input.context.factors}
