# METADATA
# title: Release
# description: |
#   Whether shard keys may go to a node, or a lease be prolonged. Positive proofs: data lists the checks that an action
#   requires, the other files of this package state what is proven, and the answer is yes only when something is required
#   and nothing required is unproven.
# schemas:
#   - input: schema["release-input"]
#   - data.config: schema.data
#   - data.bundle: schema.bundle
package strongroom.release

import data.config
import data.strongroom.lib.outcome

_action := config.release.actions[input.action]

_required := _action.checks

_unproved := {code | some code in _required} - proved

default decision := {
	"decision": false,
	"reasons": [{
		"code": "policy.no_rule",
		"message": "The policy has no rule for this action.",
		"remedy": "Use an action that the release policy names.",
	}],
	"obligations": [],
}

# METADATA
# title: Release decision
# description: Evaluated by server, releaser and agent over the same logged input.
# entrypoint: true
# custom:
#   code: release
#   message: Shard keys leave only with policy, people, attestation, budget and manifest proven.
#   remedy: Each reason names its own.
decision := outcome.allowed(obligations) if {
	count(_required) > 0
	count(_unproved) == 0
	obligations := outcome.collected(_action.obligations, _obligation)
	count(obligations) == count(_action.obligations)
}

decision := outcome.denied(_required, _unproved, _needed) if count(_unproved) > 0
