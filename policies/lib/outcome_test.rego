package strongroom.lib.outcome_test

import data.strongroom.lib.outcome

_config := {"reasons": {"a": {"message": "A did not hold.", "remedy": "Mend a."}}}

test_reasons_keep_the_order_of_data if {
	found := outcome.reasons(["b", "a", "c"], {"a", "b"}) with data.config as _config
	[reason.code | some reason in found] == ["b", "a"]
	found[1] == {"code": "a", "message": "A did not hold.", "remedy": "Mend a."}
}

test_a_code_without_text_is_told_all_the_same if {
	reason := outcome.reason("unknown") with data.config as _config
	reason.code == "unknown"
	reason.message != ""
}

test_an_obligation_that_could_not_be_made_is_missed if {
	count(outcome.collected(["x", "y"], {"x": {"id": "x"}})) == 1
}
