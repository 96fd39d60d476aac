package audit

// checks is the list of what must always be true (docs/operations.md, "What the auditor checks").
var checks = []check{
	{"accepted application left undone", `
		SELECT 'application ' || id FROM application WHERE state = 'accepted' AND submitted_at < @late ORDER BY 1`},

	{"more than one live application of a person", `
		SELECT 'person ' || person_id FROM application
		 WHERE closed_at IS NULL GROUP BY person_id HAVING count(*) > 1 ORDER BY 1`},

	{"more than one valid card of a person", `
		SELECT 'person ' || person_id FROM card
		 WHERE status IN ('valid', 'suspended') GROUP BY person_id HAVING count(*) > 1 ORDER BY 1`},

	{"approved application without its one card", `
		SELECT 'application ' || a.id FROM application a
		  LEFT JOIN card c ON c.application_id = a.id AND c.person_id = a.person_id AND c.edition = a.edition
		 WHERE a.state IN ('waiting', 'producing', 'ready', 'lapsed', 'collected', 'closed')
		 GROUP BY a.id HAVING count(c.id) <> 1 ORDER BY 1`},

	{"card of an application that was not approved", `
		SELECT 'card ' || c.id FROM card c LEFT JOIN application a ON a.id = c.application_id
		 WHERE a.id IS NULL OR a.state IN ('accepted', 'held')
		    OR (a.state IN ('withdrawn', 'refused') AND c.status IN ('valid', 'suspended')) ORDER BY 1`},

	{"card that says something else than its application", `
		SELECT 'card ' || c.id FROM card c JOIN application a ON a.id = c.application_id
		 WHERE c.content_hash <> a.content_hash OR c.holder_name <> a.holder_name ORDER BY 1`},

	// ISO 7064 MOD 97-10: the whole number leaves 1.
	{"card number with wrong check digits", `
		SELECT 'card ' || id FROM card WHERE number !~ '^42[0-9]{12}$' OR number::numeric % 97 <> 1 ORDER BY 1`},

	{"number used twice", `
		SELECT 'card number of ' || min(id::text) FROM card GROUP BY number HAVING count(*) > 1
		UNION ALL SELECT 'application number of ' || min(id::text) FROM application GROUP BY number HAVING count(*) > 1
		UNION ALL SELECT 'volunteer number of ' || min(id::text) FROM person GROUP BY volunteer_no HAVING count(*) > 1
		UNION ALL SELECT 'serial ' || serial FROM hand_over WHERE undone_at IS NULL AND serial IS NOT NULL GROUP BY serial HAVING count(*) > 1
		UNION ALL SELECT 'hand-over of card ' || min(application_id::text) FROM hand_over WHERE undone_at IS NULL GROUP BY card_number HAVING count(*) > 1 AND card_number IS NOT NULL`},

	{"card in a revoked range", `
		SELECT 'card ' || c.id FROM card c JOIN revoked_range r ON substr(c.number, 5, 8)::bigint BETWEEN r.first AND r.last ORDER BY 1`},

	{"card number above the sequence", `
		SELECT 'card ' || id FROM card WHERE substr(number, 5, 8)::bigint > (SELECT last_value FROM card_number_seq) ORDER BY 1`},

	{"card signed with a key that is not known", `
		SELECT 'card ' || c.id FROM card c LEFT JOIN signing_key k ON k.kid = c.kid WHERE k.kid IS NULL OR c.token = '' ORDER BY 1`},

	{"hand-over that does not fit its application", `
		SELECT 'application ' || a.id FROM application a
		  LEFT JOIN hand_over h ON h.application_id = a.id AND h.undone_at IS NULL
		 WHERE (a.state = 'collected') <> (h.id IS NOT NULL)
		    OR (h.id IS NOT NULL AND h.branch_id <> a.branch_id)
		 ORDER BY 1`},

	{"hand-over by somebody else's clerk", `
		SELECT 'hand-over ' || h.id FROM hand_over h JOIN staff s ON s.id = h.staff_id
		 WHERE s.role <> 'clerk' OR s.branch_id <> h.branch_id ORDER BY 1`},

	{"hand-over before the card was ready", `
		SELECT 'hand-over ' || h.id FROM hand_over h JOIN card c ON c.application_id = h.application_id
		 WHERE h.at < c.issued_at OR h.undone_at < h.at ORDER BY 1`},

	{"hand-over without its plastic card", `
		SELECT 'hand-over ' || h.id FROM hand_over h JOIN stock_card s ON s.serial = h.serial
		 WHERE h.undone_at IS NULL
		   AND (s.state <> 'handed_over' OR s.application_id <> h.application_id OR s.branch_id <> h.branch_id) ORDER BY 1`},

	{"plastic card handed over without a record", `
		SELECT 'serial ' || s.serial FROM stock_card s
		  LEFT JOIN hand_over h ON h.serial = s.serial AND h.application_id = s.application_id AND h.undone_at IS NULL
		 WHERE s.state = 'handed_over' AND h.id IS NULL ORDER BY 1`},

	{"reservation that does not fit its application", `
		SELECT 'application ' || a.id FROM application a
		  LEFT JOIN stock_card s ON s.application_id = a.id AND s.state = 'reserved'
		 WHERE a.edition = 'general'
		   AND ((a.state IN ('accepted', 'held', 'ready')) <> (s.serial IS NOT NULL) OR s.branch_id <> a.branch_id)
		 ORDER BY 1`},

	{"stock that differs from its ledger", `
		SELECT 'branch ' || b.id FROM branch b
		  LEFT JOIN LATERAL (SELECT coalesce(sum(on_hand), 0) AS on_hand, coalesce(sum(reserved), 0) AS reserved
		                       FROM stock_entry e WHERE e.branch_id = b.id) e ON true
		  LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE state IN ('in_stock', 'reserved')) AS on_hand,
		                            count(*) FILTER (WHERE state = 'reserved') AS reserved
		                       FROM stock_card s WHERE s.branch_id = b.id) s ON true
		 WHERE e.on_hand <> s.on_hand OR e.reserved <> s.reserved ORDER BY 1`},

	{"more than one message for one event", `
		SELECT 'message ' || min(id::text) FROM message GROUP BY dedupe_key HAVING count(*) > 1 ORDER BY 1`},

	// The parts of a message's key are case, event and recipient. A difference of two sets is one pass over each
	// table; a message looked for in each case would be a pass over all messages for every case.
	{"ready case whose holder was not told", `
		SELECT 'application ' || id FROM (
		  SELECT id::text FROM application WHERE state = 'ready'
		  EXCEPT SELECT split_part(dedupe_key, ':', 1) FROM message WHERE split_part(dedupe_key, ':', 2) LIKE 'ready-%') untold ORDER BY 1`},

	{"message unsent for long", `
		SELECT 'message ' || id || ' (' || state || ')' FROM message
		 WHERE state IN ('pending', 'sending', 'unknown') AND due_at < @late ORDER BY 1`},

	{"broken audit chain", `
		SELECT 'subject ' || subject_id || ' seq ' || seq FROM (
		  SELECT subject_id, seq, hash, prev_hash,
		         lag(hash, 1, '\x'::bytea) OVER chain AS hash_before, lag(seq, 1, 0) OVER chain AS seq_before,
		         at < lag(at) OVER chain AS backwards,
		         sha256(prev_hash || convert_to(concat_ws('|', subject_kind, subject_id, seq,
		           (extract(epoch FROM at) * 1000000)::bigint, actor_kind, actor_id, action,
		           coalesce(from_state, ''), coalesce(to_state, ''), detail::text), 'UTF8')) AS want
		    FROM audit_entry WINDOW chain AS (PARTITION BY subject_id ORDER BY seq)) c
		 WHERE hash <> want OR prev_hash <> hash_before OR seq <> seq_before + 1 OR backwards ORDER BY 1`},

	{"state that its audit chain does not end in", `
		SELECT 'application ' || a.id FROM application a
		  LEFT JOIN LATERAL (SELECT to_state FROM audit_entry e WHERE e.subject_id = a.id ORDER BY seq DESC LIMIT 1) e ON true
		 WHERE e.to_state IS DISTINCT FROM a.state
		UNION ALL
		SELECT 'card ' || c.id FROM card c
		  LEFT JOIN LATERAL (SELECT to_state FROM audit_entry e WHERE e.subject_id = c.id ORDER BY seq DESC LIMIT 1) e ON true
		 WHERE e.to_state IS DISTINCT FROM c.status`},

	{"audit chain whose moves do not join", `
		SELECT subject_kind || ' ' || subject_id || ' seq ' || seq FROM (
		  SELECT subject_kind, subject_id, seq, coalesce(from_state, '') AS from_state,
		         coalesce(lag(to_state) OVER (PARTITION BY subject_id ORDER BY seq), '') AS before
		    FROM audit_entry WHERE subject_kind IN ('application', 'card')) c
		 WHERE from_state <> before ORDER BY 1`},

	{"audit chain without its application", `
		SELECT 'application ' || e.subject_id FROM audit_entry e LEFT JOIN application a ON a.id = e.subject_id
		 WHERE e.subject_kind = 'application' AND e.seq = 1 AND a.id IS NULL ORDER BY 1`},

	{"move that is not in the table of moves", `
		SELECT 'application ' || subject_id || ': ' || action || ' ' || coalesce(from_state, '') || ' to ' || coalesce(to_state, '')
		  FROM audit_entry
		 WHERE subject_kind = 'application' AND (action, coalesce(from_state, ''), coalesce(to_state, '')) NOT IN (
		   ('submit', '', 'accepted'), ('issue', 'accepted', 'ready'), ('hold', 'accepted', 'held'),
		   ('release', 'held', 'ready'), ('extend', 'ready', 'ready'), ('refuse', 'held', 'refused'), ('lapse', 'ready', 'lapsed'),
		   ('choose-branch', 'ready', 'ready'), ('choose-branch', 'lapsed', 'ready'), ('hand-over', 'ready', 'collected'),
		   ('undo-hand-over', 'collected', 'ready'), ('close', 'lapsed', 'closed'),
		   ('withdraw', 'accepted', 'withdrawn'), ('withdraw', 'held', 'withdrawn'),
		   ('withdraw', 'ready', 'withdrawn'), ('withdraw', 'lapsed', 'withdrawn'),
		   ('ask-again', 'held', 'mending'), ('approve', 'accepted', 'waiting'), ('approve', 'reviewing', 'waiting'),
		   ('review', 'accepted', 'reviewing'), ('review', 'waiting', 'reviewing'), ('approve-photo', 'reviewing', 'waiting'),
		   ('refuse-photo', 'reviewing', 'mending'), ('requeue-photo', 'reviewing', 'reviewing'),
		   ('pre-approve-photo', 'reviewing', 'reviewing'), ('retract-approval', 'reviewing', 'reviewing'), ('mend', 'mending', 'reviewing'), ('confirm', 'mending', 'waiting'),
		   ('give-up', 'mending', 'refused'), ('change-design', 'held', 'held'), ('change-design', 'reviewing', 'reviewing'), ('change-design', 'waiting', 'waiting'),
		   ('change-phone', 'held', 'held'), ('change-phone', 'reviewing', 'reviewing'), ('change-phone', 'mending', 'mending'), ('change-phone', 'waiting', 'waiting'),
		   ('change-phone', 'ready', 'ready'), ('change-phone', 'lapsed', 'lapsed'),
		   ('choose-branch', 'held', 'held'), ('choose-branch', 'reviewing', 'reviewing'), ('choose-branch', 'mending', 'mending'), ('choose-branch', 'waiting', 'waiting'),
		   ('freeze', 'waiting', 'producing'), ('reject', 'producing', 'mending'), ('arrive', 'producing', 'ready'),
		   ('promise', 'accepted', 'accepted'), ('promise', 'held', 'held'), ('promise', 'reviewing', 'reviewing'),
		   ('promise', 'mending', 'mending'), ('promise', 'waiting', 'waiting'), ('promise', 'producing', 'producing'),
		   ('overdue', 'held', 'held'), ('overdue', 'reviewing', 'reviewing'), ('overdue', 'waiting', 'waiting'),
		   ('overdue', 'producing', 'producing'), ('withdraw', 'reviewing', 'withdrawn'), ('withdraw', 'mending', 'withdrawn'),
		   ('withdraw', 'waiting', 'withdrawn')) ORDER BY 1`},

	{"decision of a person without a person", `
		SELECT 'application ' || subject_id || ' seq ' || seq FROM audit_entry
		 WHERE subject_kind = 'application' AND (
		   (action IN ('hand-over', 'undo-hand-over', 'release', 'ask-again', 'refuse', 'approve-photo', 'refuse-photo', 'requeue-photo', 'pre-approve-photo', 'arrive')
		     AND actor_kind <> 'staff') OR
		   (action IN ('submit', 'withdraw', 'choose-branch', 'change-design', 'change-phone', 'mend', 'confirm') AND actor_kind <> 'person')) ORDER BY 1`},

	{"application whose times run backwards", `
		SELECT 'application ' || id FROM application
		 WHERE ready_at < submitted_at OR pickup_until < ready_at OR closed_at < submitted_at ORDER BY 1`},

	// Of two notices that name a day the one of the later year counts. A make-up day has Monday's hours, where there
	// are any. Other waits than those that end with a day are a demonstration's.
	{"last day on which the branch is closed", `
		WITH years AS (
		  SELECT DISTINCT ON (year) year, off, make_up FROM (
		    SELECT year, version, off, make_up FROM calendar_year
		    UNION ALL
		    SELECT (y->>'year')::int, 0, ARRAY(SELECT left(d, 10)::date FROM jsonb_array_elements_text(nullif(y->'off', 'null')) d),
		           ARRAY(SELECT left(d, 10)::date FROM jsonb_array_elements_text(nullif(y->'make_up', 'null')) d)
		      FROM jsonb_array_elements(@calendar::jsonb) y) versions
		   ORDER BY year, version DESC),
		special AS (
		  SELECT DISTINCT ON (day) day, is_off FROM (
		    SELECT year, unnest(off) AS day, true AS is_off FROM years
		    UNION ALL SELECT year, unnest(make_up), false FROM years) named
		   ORDER BY day, year DESC),
		waits AS (
		  SELECT a.id, b.hours, (a.pickup_until AT TIME ZONE 'Asia/Shanghai')::date AS day
		    FROM application a JOIN branch b ON b.id = a.branch_id
		   WHERE a.state = 'ready' AND a.ready_at < @late AND b.updated_at < @late AND b.hours <> '{}'
		     AND (a.pickup_until AT TIME ZONE 'Asia/Shanghai')::time = '23:59:59')
		SELECT 'application ' || w.id FROM waits w LEFT JOIN special s ON s.day = w.day
		 WHERE NOT EXISTS (SELECT 1 FROM calendar_year WHERE at >= @late)
		   AND (coalesce(s.is_off, false)
		        OR NOT w.hours ? (ARRAY['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'])[extract(dow FROM w.day)::int + 1]
		           AND NOT (s.is_off IS NOT DISTINCT FROM false AND w.hours ? 'mon')) ORDER BY 1`},
}
