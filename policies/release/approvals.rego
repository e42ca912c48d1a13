package strongroom.release

import data.config
import data.strongroom.lib.guards

# Every person that policy and the manifest ask for has voted yes to exactly this request, each in one factor only.
proved contains "approvals.quorum" if {
	guards.text(input.request.requested_by)
	count(_matched) > 0
	every entry in _matched {
		_backed(entry)
	}
	count({entry.approver | some entry in _matched}) == count(_matched)
	count(_demanded) > 0
	every factor, people in _demanded {
		_people_in(factor) >= people
	}
}

# One authenticator is one person's.
proved contains "approvals.credentials" if {
	is_array(input.approvals)
	every vote in input.approvals {
		guards.text(vote.credential)
		guards.text(vote.approver)
	}
	credentials := {vote.credential | some vote in input.approvals}
	holders := {[vote.credential, vote.approver] | some vote in input.approvals}
	count(credentials) == count(holders)
}

# One deny is final, verified or not.
proved contains "approvals.no_deny" if {
	is_array(input.approvals)
	every vote in input.approvals {
		vote.decision == "approve"
	}
}

proved contains "approvals.authenticator" if {
	count(_matched) > 0
	every entry in _matched {
		some vote in input.approvals
		_backs(vote, entry)
		vote.aaguid in config.authenticators
		vote.user_verified == true
		vote.backup_eligible == false
	}
}

proved contains "roster.current" if guards.ahead(input.roster.expires_at, input.now, config.horizons.roster_seconds)

_matched := input.quorum.matched

_backed(entry) if {
	some vote in input.approvals
	_backs(vote, entry)
}

# The requester never counts, and a vote speaks only for what it names.
_backs(vote, entry) if {
	guards.text(vote.approver)
	guards.text(vote.factor)
	vote.approver == entry.approver
	vote.factor == entry.factor
	vote.approver != input.request.requested_by
	vote.verified == true
	vote.decision == "approve"
	guards.digest(vote.request_digest)
	vote.request_digest == input.request.digest
	vote.policy_digest == input.policy.digest
	vote.purpose == input.request.purpose
	vote.enclave == input.request.enclave
	vote.not_before == input.request.not_before
	vote.not_after == input.request.not_after
	vote.max_uses == input.request.max_uses
}

# The larger of what policy data and what the manifest asks, by factor.
_demanded[factor] := max(counts) if {
	is_object(input.asset.manifest.factors)
	factors := object.keys(_action.quorum) | object.keys(input.asset.manifest.factors)
	some factor in factors
	counts := {
		object.get(_action.quorum, factor, 0),
		object.get(input.asset.manifest.factors, factor, 0),
	}
}

_people_in(factor) := count({entry.approver |
	some entry in _matched
	entry.factor == factor
	_backed(entry)
})

# What a refusal for want of people still asks for.
_needed := [{
	"id": "approvals.needed",
	"type": "approvals",
	"properties": {"factors": _missing},
}] if {
	count(_missing) > 0
} else := []

_missing := [{"factor": factor, "count": people - present} |
	some factor in sort(object.keys(_demanded))
	people := _demanded[factor]
	present := _people_in(factor)
	present < people
]
