-- helper.lua: what every spec runs with. Given to busted with --helper.
--
-- MOONROW_STRESS=incremental or =generational makes the collector work at every call into the library, and
-- the heap trace at every chance. The library reads the registry when it is opened, so this must come first.

local mode = os.getenv "MOONROW_STRESS"

if mode and mode ~= "" then
  assert(mode == "incremental" or mode == "generational", "MOONROW_STRESS is incremental or generational")
  assert(not package.loaded.moonrow, "the helper must run before moonrow is opened")
  debug.getregistry()["moonrow.stress"] = 2
  collectgarbage(mode)
end

-- MOONROW_TEST_URL=postgresql://...: specs run there, where they would open a database in memory.
if os.getenv "MOONROW_TEST_URL" then require "spec.support.postgresql" end
