# METADATA
# title: Appraisal
# description: |
#   What proven claims are worth: an EAR status and an AR4SI vector beside the decision. Affirming only with every
#   required check proven; otherwise the worst outcome that data gives to an unproven one.
# schemas:
#   - input: schema["appraisal-input"]
#   - data.config: schema.data
package strongroom.appraisal

import data.config
import data.strongroom.lib.outcome

_purpose := config.appraisal.purposes[input.purpose]

_required := _purpose.checks

_unproved := {code | some code in _required} - proved

default decision := {
	"decision": false,
	"status": "none",
	"vector": {"instance-identity": 0, "configuration": 0, "executables": 0, "hardware": 0},
	"reasons": [{
		"code": "policy.no_rule",
		"message": "The policy has no rule for this purpose.",
		"remedy": "Use a purpose that the appraisal policy names.",
	}],
	"obligations": [],
}

# METADATA
# title: Appraisal decision
# description: Asked by the verifier once signature, chain and binding of the evidence are settled.
# entrypoint: true
# custom:
#   code: appraisal
#   message: A node is affirmed only in a known environment, with a registered key and evidence of an accepted kind.
#   remedy: Each reason names its own.
decision := object.union(outcome.allowed([]), {"status": "affirming", "vector": vector}) if {
	count(_required) > 0
	count(_unproved) == 0
}

decision := object.union(
	outcome.denied(_required, _unproved, []),
	{"status": _status, "vector": vector},
) if {
	count(_unproved) > 0
}

# An unproven check whose outcome data does not name is the worst one.
_outcomes := {object.get(config.appraisal.outcomes, code, "contraindicated") | some code in _unproved}

_status := "contraindicated" if {
	"contraindicated" in _outcomes
} else := "warning" if {
	"warning" in _outcomes
} else := "none"
