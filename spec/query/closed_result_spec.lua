-- A result that was closed before its end raises an error; one that was read to its end is empty.

local mr = require "moonrow"
local blog = require "spec.support.blog"
local refuse = require "spec.support.refuse"

describe("a result", function()
  local m, session, Post, connection

  before_each(function()
    m = blog.filled()
    session, Post = m.db.session, m.Post
    connection = m.db.engine:connect()
  end)

  after_each(function() connection:close() end)

  local kinds = {
    ["of objects"] = function() return session:execute(mr.select(Post):order_by(Post.id)) end,
    ["of columns"] = function() return session:execute(mr.select(Post.title):order_by(Post.id)) end,
    ["of scalars"] = function() return session:scalars(mr.select(Post.title):order_by(Post.id)) end,
    ["of text"] = function() return session:execute(mr.text "SELECT title FROM post ORDER BY id") end,
    ["of returned rows"] = function()
      return session:execute(mr.update(Post):values{ category_id = mr.null }:returning(Post.title))
    end,
    ["of a connection"] = function()
      return connection:execute(mr.text "SELECT title FROM post ORDER BY id")
    end,
  }
  local reads = {
    all = function(r) return r:all() end,
    fetchall = function(r) return r:fetchall() end,
    fetchone = function(r) return r:fetchone() end,
    fetchmany = function(r) return r:fetchmany(2) end,
    first = function(r) return r:first() end,
    one = function(r) return r:one() end,
    one_or_none = function(r) return r:one_or_none() end,
    scalar = function(r) return r:scalar() end,
    scalar_one = function(r) return r:scalar_one() end,
    scalar_one_or_none = function(r) return r:scalar_one_or_none() end,
    mappings = function(r) return r:mappings():all() end,
    scalars = function(r) return r:scalars():all() end,
    iter = function(r) for _ in r:iter() do end end,
  }

  for kind, open in pairs(kinds) do
    it(kind .. " refuses to be read when it is closed", function()
      for name, read in pairs(reads) do
        local r = open()
        r:close()
        r:close()
        local e = refuse("InvalidRequestError", { "closed" }, read, r)
        assert.truthy(e, name)
      end
    end)

    it(kind .. " is closed by first, scalar and the end of its block", function()
      local r = open()
      assert.truthy(r:first())
      refuse("InvalidRequestError", { "closed" }, r.all, r)
      r = open()
      assert.truthy(r:scalar())
      refuse("InvalidRequestError", { "closed" }, r.fetchone, r)
      local kept
      do
        local block <close> = open()
        kept = block
      end
      refuse("InvalidRequestError", { "closed" }, kept.all, kept)
    end)

    it(kind .. " that was read to its end is empty, until it is closed", function()
      local r = open()
      assert.equal(4, #r:all())
      assert.equal(0, #r:all())
      assert.is_nil(r:fetchone())
      assert.is_nil(r:first())
      assert.equal(0, #r:fetchmany(3))
      r:close()
      refuse("InvalidRequestError", { "closed" }, r.all, r)
      r = open()
      local n = 0
      for _ in r:iter() do n = n + 1 end
      assert.same({ 4, 0 }, { n, #r:all() })
    end)

    it(kind .. " keeps the names of its columns and its count when it is closed", function()
      local r, open_too = open(), open()
      local keys = open_too:keys()
      r:close()
      assert.same(keys, r:keys())
      assert.equal(1, #keys)
      assert.equal(open_too.returns_rows, r.returns_rows)
    end)
  end

  it("of a statement without rows is said to have none, closed or not", function()
    local r = session:execute(mr.update(Post):values{ category_id = mr.null })
    refuse("InvalidRequestError", { "no rows" }, r.all, r)
    assert.equal(4, r.rowcount)
    r:close()
    refuse("InvalidRequestError", {}, r.all, r)
    assert.equal(4, r.rowcount)
  end)
end)
