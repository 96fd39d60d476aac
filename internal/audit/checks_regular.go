package audit

// regularChecks is what must always be true of the regular edition (docs/operations.md).
var regularChecks = []check{
	// Confirmed, frozen and printed are one content (invariant 5).
	{"card whose print differs from what was confirmed", `
		SELECT 'batch ' || c.batch_id || ' card ' || c.seq FROM batch_card c
		  JOIN application a ON a.id = c.application_id JOIN batch b ON b.id = c.batch_id
		 WHERE c.state <> 'rejected' AND (c.design_hash <> a.design_hash OR (b.state <> 'frozen' AND c.print_hash IS NULL)) ORDER BY 1`},

	// A print shows the card's own number and QR: no other card has it, and it is not the preview, which has
	// neither. What is in the file itself only a holder of the keys can compare (volcard admin recheck).
	{"print that cannot be of its card", `
		SELECT 'batch ' || batch_id || ' card ' || seq FROM batch_card
		 WHERE octet_length(print_hash) <> 32 OR print_hash = design_hash OR (state = 'rejected' AND print_hash IS NOT NULL)
		UNION ALL
		SELECT 'batch ' || min(batch_id::text) || ': ' || count(*) || ' cards with one print' FROM batch_card
		 WHERE print_hash IS NOT NULL GROUP BY print_hash HAVING count(*) > 1 ORDER BY 1`},

	// Sealing adds a key id of 5 bytes, a nonce of 12 and a tag of 16.
	{"files that do not hold their batch", `
		SELECT 'batch ' || batch_id || ' ' || kind || ' ' || n FROM batch_file
		 WHERE octet_length(sha256) <> 32 OR octet_length(body) <> size + 33
		UNION ALL
		SELECT 'batch ' || b.id || ': ' || f.cards || ' cards in its files, ' || c.n || ' printed' FROM batch b
		 CROSS JOIN LATERAL (SELECT coalesce(sum(cards) FILTER (WHERE kind = 'print'), 0) AS cards, count(*) FILTER (WHERE kind = 'manifest') AS manifests
		                       FROM batch_file WHERE batch_id = b.id) f
		 CROSS JOIN LATERAL (SELECT count(print_hash) AS n FROM batch_card WHERE batch_id = b.id) c
		 WHERE b.state <> 'done' AND (f.cards <> c.n OR (b.state <> 'frozen' AND f.manifests <> 1)) ORDER BY 1`},

	// Ten thousand cards are drawn within minutes: nobody draws these.
	{"batch frozen for long", `
		SELECT 'batch ' || id FROM batch WHERE state = 'frozen' AND frozen_at < @late::timestamptz - interval '1 hour' ORDER BY 1`},

	{"parcel under way for long", `
		SELECT 'parcel ' || p.id FROM parcel p JOIN batch b ON b.id = p.batch_id
		 WHERE p.arrived_at IS NULL AND b.shipped_at < @late::timestamptz - interval '14 days' ORDER BY 1`},

	{"card that is in two batches", `
		SELECT 'application ' || application_id FROM batch_card
		 WHERE state <> 'rejected' GROUP BY application_id HAVING count(*) > 1 ORDER BY 1`},

	{"batch that does not add up", `
		SELECT 'batch ' || b.id || ': ' || b.cards || ' cards, ' || c.n || ' in it, ' || p.n || ' in parcels'
		  FROM batch b
		 CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE state <> 'rejected') AS n, count(*) AS frozen FROM batch_card WHERE batch_id = b.id) c
		 CROSS JOIN LATERAL (SELECT coalesce(sum(cards), 0) AS n FROM parcel WHERE batch_id = b.id) p
		 WHERE (b.state = 'frozen' AND b.cards <> c.frozen)
		    OR (b.state <> 'frozen' AND (b.cards <> c.n OR b.cards <> p.n)) ORDER BY 1`},

	{"parcel that does not hold its cards", `
		SELECT 'parcel ' || p.id FROM parcel p JOIN batch b ON b.id = p.batch_id
		 CROSS JOIN LATERAL (SELECT count(*) AS n, count(*) FILTER (WHERE state = 'arrived') AS arrived FROM batch_card c
		                      WHERE c.batch_id = p.batch_id AND c.branch_id = p.branch_id AND c.state <> 'rejected') c
		 WHERE p.cards <> c.n OR c.arrived <> CASE WHEN p.arrived_at IS NULL THEN 0 ELSE p.cards END
		    OR p.arrived_at < b.shipped_at OR (p.arrived_at IS NULL AND b.state = 'done') ORDER BY 1`},

	{"parcel confirmed by somebody else's clerk", `
		SELECT 'parcel ' || p.id FROM parcel p LEFT JOIN staff s ON s.id = p.arrived_by
		 WHERE p.arrived_at IS NOT NULL AND (s.id IS NULL OR s.role <> 'clerk' OR s.branch_id <> p.branch_id) ORDER BY 1`},

	{"card in production without its batch", `
		SELECT 'application ' || a.id FROM application a
		  LEFT JOIN batch_card c ON c.application_id = a.id AND c.state = 'frozen'
		 WHERE (a.state = 'producing') <> (c.seq IS NOT NULL) OR c.branch_id <> a.branch_id ORDER BY 1`},

	{"regular card at its branch that never arrived", `
		SELECT 'application ' || a.id FROM application a
		  LEFT JOIN batch_card c ON c.application_id = a.id AND c.state = 'arrived'
		 WHERE a.edition = 'regular'
		   AND ((a.state IN ('ready', 'lapsed', 'collected', 'closed')) <> (c.seq IS NOT NULL) OR c.branch_id <> a.branch_id) ORDER BY 1`},

	// The case is overdue from the end of the last promised day on; in a demonstration, whose working days are
	// short, before it at most.
	{"promise whose dates are out of order", `
		SELECT 'application ' || id FROM application
		 WHERE edition = 'regular' AND (promised_from <= promise_start OR promised_until < promised_from OR promise_due < submitted_at
		       OR promise_start < (submitted_at AT TIME ZONE 'Asia/Shanghai')::date
		       OR promise_due > (promised_until + time '23:59:59') AT TIME ZONE 'Asia/Shanghai'
		       OR (NOT @paced::boolean AND promise_due < (promised_until + time '23:59:59') AT TIME ZONE 'Asia/Shanghai')) ORDER BY 1`},

	// n working days are n days at least. At most they are as many weeks with five in each, and the longest
	// holidays of a year. What is no longer open was perhaps promised under other settings (invariant 12).
	{"promise that is not of the promised length", `
		SELECT 'application ' || id FROM application
		 WHERE edition = 'regular' AND state IN ('accepted', 'held', 'reviewing', 'mending', 'waiting', 'producing')
		   AND (promised_from < promise_start + @from::int OR promised_until < promise_start + @until::int
		     OR promised_from > promise_start + 2 * @from::int + 14 OR promised_until > promise_start + 2 * @until::int + 14) ORDER BY 1`},

	{"overdue card about which nobody was told", `
		SELECT 'application ' || id FROM application
		 WHERE edition = 'regular' AND state IN ('held', 'reviewing', 'waiting', 'producing') AND overdue_at IS NULL AND promise_due < @late
		UNION ALL
		SELECT 'application ' || id FROM (
		  SELECT id::text FROM application
		   WHERE edition = 'regular' AND state IN ('held', 'reviewing', 'waiting', 'producing') AND overdue_at IS NOT NULL
		  EXCEPT SELECT split_part(dedupe_key, ':', 1) FROM message WHERE split_part(dedupe_key, ':', 2) LIKE 'overdue-%') untold ORDER BY 1`},

	{"case that was to be mended and was not given up", `
		SELECT 'application ' || id FROM application WHERE state = 'mending' AND (mend_until < @late OR mend_until < mend_from) ORDER BY 1`},

	{"photo of somebody else", `
		SELECT 'application ' || a.id FROM application a JOIN photo p ON p.id = a.photo_id WHERE p.person_id <> a.person_id ORDER BY 1`},

	{"card with a photo that nobody passed", `
		SELECT 'application ' || a.id FROM application a JOIN photo p ON p.id = a.photo_id
		 WHERE a.state IN ('waiting', 'producing', 'ready', 'lapsed', 'collected', 'closed')
		   AND coalesce(p.decision, CASE p.verdict WHEN 'clear' THEN 'approved' ELSE 'undecided' END) <> 'approved' ORDER BY 1`},

	{"approval of a photo that did not take effect", `
		SELECT 'application ' || id FROM application WHERE state = 'reviewing' AND decided_until < @late ORDER BY 1`},

	{"photo approved after its approval was taken back", `
		SELECT 'application ' || subject_id || ' seq ' || seq FROM (
		  SELECT subject_id, seq, action, max(seq) FILTER (WHERE action = 'retract-approval') OVER chain AS retracted,
		         max(seq) FILTER (WHERE action = 'pre-approve-photo') OVER chain AS approved
		    FROM audit_entry WHERE action IN ('pre-approve-photo', 'retract-approval', 'approve-photo')
		  WINDOW chain AS (PARTITION BY subject_id ORDER BY seq)) c
		 WHERE action = 'approve-photo' AND retracted > coalesce(approved, 0) ORDER BY 1`},

	{"photo decided by somebody who is no reviewer", `
		SELECT 'photo ' || p.id FROM photo p JOIN staff s ON s.id = p.decided_by WHERE s.role <> 'reviewer' ORDER BY 1`},

	{"regular card handed over under another number", `
		SELECT 'hand-over ' || h.id FROM hand_over h
		  JOIN application a ON a.id = h.application_id LEFT JOIN card c ON c.application_id = h.application_id
		 WHERE (a.edition = 'regular') <> (h.card_number IS NOT NULL) OR h.card_number <> c.number ORDER BY 1`},

	{"regular card handed over before it arrived", `
		SELECT 'hand-over ' || h.id FROM hand_over h JOIN batch_card c ON c.card_number = h.card_number AND c.state = 'arrived'
		  LEFT JOIN parcel p ON p.batch_id = c.batch_id AND p.branch_id = c.branch_id
		 WHERE p.arrived_at IS NULL OR h.at < p.arrived_at ORDER BY 1`},

	{"batch whose state its audit chain does not end in", `
		SELECT 'batch ' || b.id FROM batch b
		  LEFT JOIN LATERAL (SELECT to_state FROM audit_entry e WHERE e.subject_id = b.id ORDER BY seq DESC LIMIT 1) e ON true
		 WHERE e.to_state IS DISTINCT FROM b.state ORDER BY 1`},

	{"batch move that is not in the table of moves", `
		SELECT 'batch ' || subject_id || ': ' || action FROM audit_entry
		 WHERE subject_kind = 'batch' AND (action, coalesce(from_state, ''), coalesce(to_state, ''), actor_kind) NOT IN (
		   ('batch-freeze', '', 'frozen', 'process'), ('batch-render', 'frozen', 'rendered', 'process'),
		   ('batch-render', 'frozen', 'done', 'process'), ('batch-print', 'rendered', 'printed', 'staff'),
		   ('batch-ship', 'printed', 'shipped', 'staff'), ('batch-end', 'shipped', 'done', 'staff'))
		   AND NOT (action = 'batch-download' AND from_state = to_state AND actor_kind = 'staff') ORDER BY 1`},

	{"files of a batch that is done", `
		SELECT 'batch ' || b.id || ' ' || f.kind || ' ' || f.n FROM batch_file f JOIN batch b ON b.id = f.batch_id
		 WHERE b.state = 'done' AND b.done_at < @late ORDER BY 1`},
}
