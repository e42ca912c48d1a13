# METADATA
# title: Outcomes
# description: |
#   Turns what is required and what is proven into an AuthZEN-shaped answer. The texts of the reasons are data
#   (`reasons` by code: message, remedy), so that every refusal explains itself in the same way everywhere.
package strongroom.lib.outcome

import data.config

_untold := {
	"message": "A required check did not hold.",
	"remedy": "Ask the owner of the policy what this check needs.",
}

# METADATA
# title: Reasons for what was not proven, in the order in which the data requires it
reasons(required, unproved) := [reason(code) |
	some code in required
	code in unproved
]

# METADATA
# title: One reason, with its message and what to do about it
reason(code) := {"code": code, "message": entry.message, "remedy": entry.remedy} if {
	entry := object.get(config.reasons, code, _untold)
}

# METADATA
# title: A yes, with what must be done
allowed(obligations) := {"decision": true, "reasons": [], "obligations": obligations}

# METADATA
# title: A no, with every check that did not hold and what is still needed
denied(required, unproved, obligations) := {
	"decision": false,
	"reasons": reasons(required, unproved),
	"obligations": obligations,
}

# METADATA
# title: The obligations that data demands, in its order
# description: Shorter than `ids` when one could not be made; whoever allows compares the lengths.
collected(ids, made) := [made[id] | some id in ids]
