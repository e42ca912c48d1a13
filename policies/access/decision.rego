# METADATA
# title: Access
# description: |
#   Whether a subject may do an action to a resource. Positive proofs as in the release policy: data says which checks an
#   action requires, and an action that data does not name is refused.
# schemas:
#   - input: schema["access-input"]
#   - data.config: schema.data
package strongroom.access

import data.config
import data.strongroom.lib.outcome

_action := config.access.actions[input.action.name]

_required := _action.checks

_unproved := {code | some code in _required} - proved

default decision := {
	"decision": false,
	"reasons": [{
		"code": "policy.no_rule",
		"message": "The policy has no rule for this action.",
		"remedy": "Use an action that the access policy names.",
	}],
	"obligations": [],
}

# METADATA
# title: Access decision
# description: Asked by a guard for every route, with the subject's session and the resource as the server knows them.
# entrypoint: true
# custom:
#   code: access
#   message: Every route needs a subject whose role, session and tenant allow its action.
#   remedy: Each reason names its own.
decision := outcome.allowed(obligations) if {
	count(_required) > 0
	count(_unproved) == 0
	obligations := outcome.collected(_action.obligations, _obligation)
	count(obligations) == count(_action.obligations)
}

decision := outcome.denied(_required, _unproved, []) if count(_unproved) > 0
