package strongroom.access

import data.config
import data.strongroom.lib.guards

proved contains "profile.same" if {
	guards.text(input.profile)
	input.profile == config.profile
}

proved contains "tenant.same" if {
	guards.text(input.tenant)
	input.subject.tenant == input.tenant
	input.resource.tenant == input.tenant
}

proved contains "subject.known" if {
	guards.text(input.subject.id)
	guards.text(input.subject.type)
	input.subject.type in _action.subject_types
	every role in input.subject.roles {
		is_object(config.access.roles[role])
	}
}

# A role that may do this to anything, or one that may do it to what is the subject's own.
proved contains "subject.role" if {
	some role in input.subject.roles
	input.action.name in config.access.roles[role].any
}

proved contains "subject.role" if {
	some role in input.subject.roles
	input.action.name in config.access.roles[role].own
	_own
}

proved contains "session.current" if {
	guards.natural(input.now)
	guards.natural(input.subject.session.authenticated_at)
	guards.natural(input.subject.session.expires_at)
	input.subject.session.authenticated_at <= input.now
	input.now < input.subject.session.expires_at
	lifetime := input.subject.session.expires_at - input.subject.session.authenticated_at
	lifetime <= config.access.max_session_seconds
}

# Acts of weight ask for a sign-in that is not old.
proved contains "session.fresh" if {
	guards.recent(input.subject.session.authenticated_at, input.now, _action.max_session_age_seconds)
}

proved contains "session.method" if {
	input.subject.session.method in config.access.session_methods[input.subject.type]
}

_own if {
	guards.text(input.subject.id)
	input.context.requester == input.subject.id
}
