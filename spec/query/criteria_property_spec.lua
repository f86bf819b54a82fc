-- Random criteria over random rows, some of whose foreign keys have changed and wait for a flush: SQL and memory find
-- the same objects, NULLs and zero bytes included. 2,000 texts; 10,000 with
-- MOONROW_LONG.

local mr = require "moonrow"
local criteria = require "spec.support.criteria"
local random_criteria = require "spec.support.random_criteria"

local CASES, ROWS, WORLDS = os.getenv "MOONROW_LONG" and 10000 or 2000, 12, 20

local function keys_of(users)
  local keys = {}
  for i, user in ipairs(users) do keys[i] = user.id end
  table.sort(keys)
  return table.concat(keys, " ")
end

describe("random criteria over random rows", function()
  it("find the same in SQL, by joins and by subqueries, and in memory", function()
    local compared, found, overflows = 0, 0, 0
    for world = 1, WORLDS do
      local db = mr.open "sqlite://"
      local m = criteria.model(db)
      local objects = random_criteria.fill(m, ROWS, world)
      local users = m.User.query:options(mr.selectinload "posts", mr.selectinload "tags", mr.selectinload "clan"):all()
      for case = 1, CASES // WORLDS do
        local text, params = random_criteria.text(world * 100000 + case, objects)
        local memory, overflow = {}, false
        if case % 5 == 0 then -- all that follows comes before a flush, and from the first query on after it
          users[case % #users + 1].clan_id = case % 4 > 0 and case % 4 or nil
          local posts = users[case % 7 + 1].posts
          if #posts > 0 then posts[1].author_id = users[case % 11 + 1].id end
        end
        for _, user in ipairs(users) do
          local ok, met = pcall(mr.matches, user, text, params)
          if not ok and met.message:find("too large", 1, true) then overflow = true
          else
            assert(ok, ("%s\n%s"):format(text, tostring(met)))
            if met then memory[#memory + 1] = user end
          end
        end
        local joined = m.User.query:where(text, params)
        if overflow then overflows = overflows + 1
        else
          local expected = keys_of(memory)
          local ids = db.session:scalars(mr.select(m.User.id):where(text, params)):all()
          table.sort(ids)
          assert.equal(expected, table.concat(ids, " "), text)
          assert.equal(expected, keys_of(joined:all()), text)
          local write = mr.update(m.User):where(text, params):values{ rank = m.User.rank }
          write = write:execution_options{ synchronize_session = false }
          assert.equal(#memory, db.session:execute(write).rowcount, text)
          compared, found = compared + 1, found + #memory
        end
      end
      db.session:rollback()
    end
    assert.is_true(compared > CASES * 0.98, compared)
    assert.is_true(found > compared and found < compared * ROWS, found)
    assert.is_true(overflows < CASES * 0.02, overflows)
  end)
end)
