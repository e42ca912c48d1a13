package strongroom.appraisal_test

import data.strongroom.appraisal
import data.strongroom.lib.vectors_test as tables

test_decision_table[note] if {
	some note, row in tables.rows("appraisal")
	answer := appraisal.decision with input as row.input with data.config as row.config
	answer.decision == row.expected.decision
	answer.status == row.expected.status
	answer.vector == row.expected.vector
	[reason.code | some reason in answer.reasons] == row.expected.codes
}

# An EAR status is at least as bad as the worst claim of its vector.
test_status_is_no_better_than_the_vector[note] if {
	some note, row in tables.rows("appraisal")
	answer := appraisal.decision with input as row.input with data.config as row.config
	worst := max([claim | some claim in answer.vector])
	_rank(answer.status) >= _rank(_tier(worst))
}

test_refuses_a_purpose_that_data_does_not_name if {
	answer := appraisal.decision with input as {"purpose": "debug"} with data.config as tables.config("production")
	answer.decision == false
	answer.status == "none"
}

test_an_outcome_that_data_does_not_name_is_the_worst if {
	some row in tables.rows("appraisal")
	config := object.union(row.config, {"appraisal": object.union(row.config.appraisal, {"outcomes": {}})})
	changed := object.union(row.config, {"appraisal": {"purposes": config.appraisal.purposes, "outcomes": {}}})
	answer := appraisal.decision with input as {"purpose": "renew"} with data.config as changed
	answer.status == "contraindicated"
}

_tier(claim) := "contraindicated" if {
	claim >= 96
} else := "warning" if {
	claim >= 32
} else := "affirming"

# No status at all stands apart: nothing was judged, so nothing is claimed.
_rank("none") := 3

_rank("contraindicated") := 2

_rank("warning") := 1

_rank("affirming") := 0
