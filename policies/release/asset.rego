package strongroom.release

import data.config
import data.strongroom.lib.guards

proved contains "asset.registered" if input.asset.state == "registered"

proved contains "asset.enclave" if {
	guards.text(input.request.enclave)
	input.request.enclave in input.asset.enclaves
}

proved contains "manifest.signed" if {
	count(config.manifest.roles) > 1
	every role in config.manifest.roles {
		role in input.asset.manifest.signed_roles
	}
}

proved contains "manifest.logged" if {
	input.asset.manifest.logged == true
	guards.natural(input.asset.manifest.log_index)
}

proved contains "manifest.current" if {
	guards.ahead(input.asset.manifest.expires_at, input.now, config.horizons.manifest_seconds)
}

proved contains "shards.known" if {
	guards.distinct(input.request.shards)
	count(input.request.shards) > 0
	guards.distinct(_indexes)
	every index in input.request.shards {
		index in _indexes
	}
}

proved contains "budget.room" if {
	guards.natural(input.budget.used_bytes)
	guards.natural(input.budget.reserved_bytes)
	guards.natural(input.budget.relative_cap_bytes)
	guards.natural(input.budget.absolute_cap_bytes)
	input.budget.requested_bytes == _debit
	total := (input.budget.used_bytes + input.budget.reserved_bytes) + input.budget.requested_bytes
	total <= input.budget.relative_cap_bytes
	total <= input.budget.absolute_cap_bytes
}

# Caps and window come from enclave and asset; policy data bounds how loose they may ever be.
proved contains "budget.bounded" if {
	input.budget.route == _action.budget_route
	guards.natural(input.budget.window_seconds)
	input.budget.window_seconds >= config.budget.min_window_seconds
	input.budget.window_seconds <= config.budget.max_window_seconds
	guards.natural(input.budget.absolute_cap_bytes)
	input.budget.absolute_cap_bytes <= config.budget.max_cap_bytes
	guards.natural(input.budget.relative_cap_bytes)
	input.budget.relative_cap_bytes <= config.budget.max_cap_bytes
}

proved contains "lease.bounded" if {
	guards.natural(input.lease.seconds)
	guards.natural(input.lease.renew_seconds)
	input.lease.seconds <= config.lease.seconds
	input.lease.renew_seconds >= 1
	input.lease.renew_seconds <= config.lease.renew_seconds
	input.lease.renew_seconds < input.lease.seconds
	guards.natural(input.now)
	guards.natural(input.request.not_after)
	input.now + input.lease.seconds <= input.request.not_after
}

_indexes := [shard.index | some shard in input.asset.shards]

# A release debits the full size of its shards, whatever is read of them later; a renewal debits nothing more.
_debit := sum([shard.bytes |
	some shard in input.asset.shards
	shard.index in input.request.shards
	guards.natural(shard.bytes)
]) if {
	_action.debits == true
}

_debit := 0 if _action.debits == false
