/*
 * strategy.c: the table of the loader strategies.
 *
 * Invariant: each code has its row in the table, so that an unknown strategy cannot silently become another one.
 */
#include <moonrow/load.h>

#define ROW(CODE, name) [MR_LAZY_##CODE] = &mr_strategy_##name,
static const mr_strategy *const rows[MR_LAZY__COUNT] = {MR_LOADER_STRATEGIES(ROW)};
#undef ROW

const mr_strategy *mr_strategy_of(mr_lazy code) { return rows[code]; }
