/*
 * Where the sources of a 'first' or 'latest' rule disagree (SPEC 8). Each
 * source speaks with its own pick: what the rule would say if it named that
 * source alone. The winner's source cannot contradict the winner, whose pick
 * is its own.
 */
#include "integrate/internal.h"

static int
add_line(const struct config_theme *theme, const struct config_rule *rule,
	 const struct finding *winner, size_t source, struct slice value,
	 struct buf *out)
{
	const char *by = theme->sources[winner->row->source].name;

	if (cells_add(out, slice_str(rule->name)) ||
	    cells_add(out, slice_str(by)) || cells_add(out, winner->value) ||
	    cells_add(out, slice_str(theme->sources[source].name)) ||
	    cells_add(out, value))
		return ERR_NOMEM;
	return 0;
}

int
integrate_conflicts(const struct config_theme *theme,
		    const struct config_rule *rule,
		    const struct column *columns, const struct finding *winner,
		    struct buf *out)
{
	rule_pick *pick = integrate_rule_pick(rule->kind);

	if (!pick || !winner->row || rule->noperands < 2)
		return 0;
	for (size_t s = 0; s < theme->nsources; s++) {
		struct pick own;

		if (s == winner->row->source)
			continue;
		own = pick(theme, columns, rule->noperands, s);
		if (!own.row || slice_eq(own.value, winner->value))
			continue;
		if (add_line(theme, rule, winner, s, own.value, out))
			return ERR_NOMEM;
	}
	return 0;
}
