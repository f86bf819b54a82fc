-- mr.sandbox: scripts under limits, and the known ways out of them.

local mr = require "moonrow"
local support = require "spec.support.models"

local function limited(more)
  local given = { memory = 4e6, instructions = 3e5, timeout = 60 }
  for name, value in pairs(more or {}) do given[name] = value end
  return mr.sandbox(given)
end

local function stopped(word, text, box)
  box = box or limited()
  local e = support.error_of(box.run, box, text)
  assert.equal("InvalidRequestError", e.kind, text)
  assert.matches(word, e.message, 1, true)
  assert.equal(7, box:run "return 7")
  assert.equal("xx", ("x"):rep(2))
end

describe("mr.sandbox", function()
  it("runs a script with arguments, and keeps its globals for the next", function()
    local box = limited{ globals = { double = function(n) return 2 * n end, list = { 1, { 2 } } } }
    local a, b = box:run("n = double(...) return n, list[2][1]", 21)
    assert.same({ 42, 2 }, { a, b })
    assert.equal(42, box:run "return n")
  end)

  it("stops at its limits, and no pcall, xpcall, coroutine or closed variable keeps the error", function()
    for _, text in ipairs{
      "while true do end",
      "while true do pcall(function() while true do end end) end",
      "xpcall(function() while true do end end, function() while true do end end)",
      "while true do pcall(coroutine.wrap(function() while true do end end)) end",
      "while true do coroutine.resume(coroutine.create(function() end)) end",
      [[local co = coroutine.create(function()
          local x <close> = setmetatable({}, { __close = function() while true do end end })
          while true do end
        end)
        coroutine.resume(co) coroutine.close(co)]],
      [[local x <close> = setmetatable({}, { __close = function() while true do end end }) while true do end]],
      "local t = setmetatable({}, { __index = function() return '' end, __len = function() return 1 << 50 end }) "
        .. "table.concat(t)",
      "table.move({}, 1, 1 << 50, 2)",
      "table.sort({ 3, 2, 1 }, function() while true do end end)",
      "return tostring(setmetatable({}, { __tostring = function() while true do end end }))",
      "return load(function() return ' ' end)",
    } do stopped("instructions", text) end
    stopped("memory", "local s = 'x' while true do s = s .. s end")
    stopped("memory", "while true do pcall(function() local s = 'x' while true do s = s .. s end end) end")
    stopped("limit of time", "while true do end", limited{ instructions = 1e15, timeout = 0.01 })
    stopped("it yields", "coroutine.yield()")
  end)

  it("counts the work of strings and patterns, as methods, too", function()
    stopped("instructions", "return ('x'):rep(1e9)")
    stopped("instructions", "return (''):rep(1e12)")
    stopped("instructions", "return ('a'):rep(60):find(('a*'):rep(12) .. 'b')")
    stopped("instructions", "return (('a'):rep(60):gsub(('a-'):rep(12) .. 'b', ''))")
    stopped("instructions", "for x in ('a'):rep(60):gmatch(('a?'):rep(40) .. ('a*'):rep(9) .. 'b') do end")
  end)

  it("matches as Lua does, whatever way a pattern goes", function()
    local box = limited{ instructions = 1e9 }
    local subject = ("key = value; k2=[v(2)] -- "):rep(12)
    for _, p in ipairs{ "(%w+)%s*=%s*(%w+)", "^(%w+) *= *()(%w*)", "%b()", "%f[%w]%w+", "(.)%1", "(.-)%s*;%s*(.*)$",
      "[^%s=]+%s*=%s*[%[%]%w]-;", "()%s*()", "x*y*z*w*", "%-+%s+(k?e?y?)" } do
      local calls = {
        find = { subject, p, 3 }, match = { subject, p }, gsub = { subject, p, "<%0>" },
      }
      for name, args in pairs(calls) do
        local expected = table.pack(string[name](table.unpack(args)))
        local found = table.pack(box:run("local f = ... return string[f](select(2, ...))", name, table.unpack(args)))
        assert.same(expected, found, name .. " " .. p)
      end
      local expected = {}
      for a, b in subject:gmatch(p) do expected[#expected + 1] = tostring(a) .. "|" .. tostring(b) end
      local found = box:run([[local s, p = ... local t = {}
        for a, b in s:gmatch(p) do t[#t + 1] = tostring(a) .. "|" .. tostring(b) end return t]], subject, p)
      assert.same(expected, found, "gmatch " .. p)
    end
  end)

  it("has no way out by names, bytecode, metatables or finalizers", function()
    local box = limited()
    for _, name in ipairs{ "os", "io", "debug", "package", "require", "collectgarbage", "dofile", "loadfile", "print",
      "utf8", "string.dump", "math.randomseed", "getmetatable('')", "getmetatable(print)" } do
      assert.is_nil(box:run("return " .. name), name)
    end
    local bytecode = string.dump(function() end)
    assert.matches("binary", support.error_of(box.run, box, bytecode).message)
    local f, why = box:run("return load(...)", bytecode)
    assert.is_nil(f)
    assert.matches("binary", why)
    assert.is_true(box:run "return load('return _G')() == _G")
    assert.matches("__gc", support.error_of(box.run, box, "setmetatable({}, { __gc = type })").message)
    box:run "local meta = {} setmetatable({}, meta) meta.__gc = function() escaped = true end"
    collectgarbage()
    assert.is_nil(box:run "return escaped")
    box:run "string.rep = nil string.find = nil"
    assert.equal("aa", box:run "return ('a'):rep(2)")
    assert.equal("function", type(string.find))
  end)

  it("gives copies, and takes copies", function()
    local shared = { deep = { 1 } }
    local box = limited{ globals = { shared = shared } }
    box:run "shared.deep[1] = 2 rawset(shared, 'x', 1) setmetatable(shared, { __index = function() end })"
    assert.same({ deep = { 1 } }, shared)
    assert.is_nil(getmetatable(shared))
    local made = box:run "local t = { 1 } t.self = t return t"
    assert.equal(made, made.self)
    assert.matches("cannot leave", support.error_of(box.run, box, "return setmetatable({}, {})").message)
    assert.matches("cannot leave", support.error_of(box.run, box, "return coroutine.create(load '')").message)
  end)

  it("takes no object, session or class, given or returned by a function", function()
    local db = mr.open "sqlite://"
    local User = db.Model:extend("User", { id = db.Column{ db.Integer, primary_key = true } })
    for _, value in ipairs{ User{}, User, db, db.session, mr, db.engine } do
      assert.matches("cannot be given to a script",
        support.error_of(limited, { globals = { value = value } }).message)
      local box = limited{ globals = { get = function() return value end } }
      local ok, e = box:run "return pcall(get)"
      assert.is_false(ok)
      assert.matches("cannot be given to a script", e, 1, true)
    end
    local box = limited{ globals = { fail = function() db.session:execute(mr.text "no") end } }
    local ok, e = box:run "local ok, e = pcall(fail) return ok, type(e)"
    assert.same({ false, "string" }, { ok, e })
  end)

  it("runs the program's functions without the limits, and its own under them whoever calls", function()
    local box = limited{ globals = { work = function(f)
      local n = 0
      for i = 1, 1e6 do n = n + i % 2 end
      return f(#(" "):rep(5e6), n)
    end } }
    local a, b = box:run "return work(function(a, b) return a, b end)"
    assert.same({ 5e6, 5e5 }, { a, b })
    stopped("instructions", "pcall(work, function() while true do end end)", box)
    local later = box:run "return function(n) while n do end return 1 end"
    assert.equal(1, later())
    assert.equal("InvalidRequestError", support.error_of(later, true).kind)
  end)

  it("stops coroutines that outlive a run, and leaves the program's hooks", function()
    local calls = 0
    debug.sethook(function() calls = calls + 1 end, "", 1000)
    local before = debug.gethook()
    local box = limited()
    box:run "co = coroutine.wrap(function() coroutine.yield() while true do end end) co()"
    stopped("instructions", "co()", box)
    assert.equal(before, (debug.gethook()))
    debug.sethook()
    assert.is_true(calls > 0)
  end)

  it("refuses wrong options, and no text", function()
    assert.matches("number above 0", support.error_of(mr.sandbox, { memory = 0 }).message)
    assert.matches("the text of a script", support.error_of(limited().run, limited(), print).message)
    assert.equal("sandbox: the script failed: an error that is a table",
      support.error_of(limited().run, limited(), "error{}").message)
  end)
end)
